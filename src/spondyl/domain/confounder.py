"""Something seen on a vertebra that changes how its grade is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level


class Effect(StrEnum):
    """What a confounder does to the finding (clinical-methods §2: R, D, F, X)."""

    REJECT = "reject"
    DOWNGRADE = "downgrade"
    FLAG = "flag"
    EXCLUDE = "exclude"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """One confounder: kind, level (None for the whole study), evidence against its threshold, effect."""

    kind: str
    level: Level | None
    value: float
    threshold: float
    unit: str
    effect: Effect
    text: str
