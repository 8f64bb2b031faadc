"""What the interventional form can be filled with from the CT, and a proposal that is never the decision.

Source: clinical-methods 4.3 and 4.5. Without pain and MRI suitability is technical suitability only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.finding import VertebraFinding
from spondyl.domain.level import Level
from spondyl.study.tables import Cell

# SINS, collapse: more than half of the height lost counts 3, less 2 (clinical-methods 4.3, S73).
HALF_COLLAPSE_FRACTION = 0.5
# NASS 2025 speaks of less than 80 % loss where cement is appropriate (clinical-methods 4.4, S78).
TOO_COLLAPSED_FRACTION = 0.80
# Warned from here on: the lowest limit in print (Belgian review 2008, clinical-methods 4.4, S86).
WARN_COLLAPSE_FRACTION = 0.65
_SEVERE_GRADE, _MODERATE_GRADE = 3, 2
_JUNCTIONAL_POINTS, _MOBILE_POINTS, _SEMIRIGID_POINTS = 3, 2, 1
_JUNCTIONAL = frozenset({Level.C7, Level.T1, Level.T2, Level.T11, Level.T12, Level.T13, Level.L1, Level.L5})
_MOBILE = frozenset({Level.L2, Level.L3, Level.L4})
_CEMENT_KINDS = frozenset({"cement", "hardware", "metal"})
_INFECTION_KINDS = frozenset({"infection", "spondylodiscitis"})


class Tendency(StrEnum):
    """What the rule proposes."""

    SUITABLE = "suitable – needs pain and MRI check"
    DISCUSS = "discuss"
    UNLIKELY = "unlikely"
    OPEN = "no proposal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal with its grounds, each as a sentence, and the fields that were filled in."""

    tendency: Tendency
    grounds: tuple[str, ...]
    prefilled: dict[str, Cell]


def sins_location(level: Level) -> int:
    """SINS points of the location: junctional 3, mobile 2, semirigid 1 (clinical-methods 4.3)."""
    if level in _JUNCTIONAL or level is Level.L6:
        return _JUNCTIONAL_POINTS
    return _MOBILE_POINTS if level in _MOBILE else _SEMIRIGID_POINTS


def sins_collapse(loss_fraction: float) -> int:
    """SINS points of the collapse of a fractured vertebra: above half 3, else 2."""
    return 3 if loss_fraction > HALF_COLLAPSE_FRACTION else 2


def propose(level: Level, grade: int, vertebra: VertebraFinding, fractured: Sequence[Level]) -> Proposal:
    """The proposal for one fracture that the readers confirmed.

    level, grade: as the readers concluded. fractured: all concluded fractures of the case.
    """
    loss = vertebra.loss_fraction
    kinds = {confounder.kind for confounder in vertebra.confounders}
    adjacent = sum(abs(other.order - level.order) == 1 for other in fractured)
    prefilled: dict[str, Cell] = {
        "grade": grade,
        "shape": vertebra.shape if vertebra.shape != "normal" else None,
        **_losses(vertebra),
        "adjacent_fractures": adjacent,
        "levels_to_treat": level.value,
        "sins_location": sins_location(level),
        "sins_collapse": None if loss is None else sins_collapse(loss),
        "vertebra_plana": None if loss is None else loss >= TOO_COLLAPSED_FRACTION,
        "hardware_or_cement": True if kinds & _CEMENT_KINDS else None,
        "infection_signs": True if kinds & _INFECTION_KINDS else None,
    }
    tendency, grounds = _tendency(grade, loss, kinds)
    return Proposal(
        tendency=tendency,
        grounds=grounds,
        prefilled={name: value for name, value in prefilled.items() if value is not None},
    )


def _losses(vertebra: VertebraFinding) -> dict[str, Cell]:
    """Loss of each height against what is expected, 0 where it is higher."""
    if vertebra.heights_mm is None or vertebra.expected_heights_mm is None:
        return {}
    return {
        f"loss_{place}_fraction": round(
            max(
                0.0,
                1.0 - getattr(vertebra.heights_mm, place) / getattr(vertebra.expected_heights_mm, place),
            ),
            3,
        )
        for place in ("anterior", "middle", "posterior")
    }


def _tendency(grade: int, loss: float | None, kinds: set[str]) -> tuple[Tendency, tuple[str, ...]]:
    check = "Pain, MRI and the posterior wall are not known from here: technical suitability only."
    if kinds & _INFECTION_KINDS:
        return Tendency.DISCUSS, (
            "Signs of infection: an absolute contraindication where it is active.",
            check,
        )
    if kinds & _CEMENT_KINDS:
        return Tendency.DISCUSS, ("Metal or cement lies at this level.", check)
    if loss is not None and loss >= TOO_COLLAPSED_FRACTION:
        return Tendency.DISCUSS, (f"{loss:.0%} of the height is lost: technically difficult.", check)
    grounds = []
    if loss is not None and loss >= WARN_COLLAPSE_FRACTION:
        grounds.append(f"{loss:.0%} of the height is lost: some guidelines advise against it from 65 %.")
    if grade >= _SEVERE_GRADE:
        return Tendency.SUITABLE, ("Grade 3 by the readers.", *grounds, check)
    if grade == _MODERATE_GRADE:
        return Tendency.OPEN, (
            "Grade 2: suitable where recent or painful, which the CT does not tell.",
            *grounds,
        )
    return Tendency.UNLIKELY, ("Below grade 2.",)
