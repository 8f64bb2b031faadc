"""The interventional form, made of the columns of its record, so that form and record cannot differ."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.study.records import InterventionalReview
from spondyl.study.tables import Cell, Column, Kind, columns_of, to_cells
from spondyl.web.forms import Fields
from spondyl.worklist.proposing import Proposal

# clinical-methods 4.5, in its order; what the station knows itself is not asked
_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Judgement", ("suitability", "technique", "reasons", "confidence")),
    (
        "Fracture",
        ("grade", "shape", "loss_anterior_fraction", "loss_middle_fraction", "loss_posterior_fraction",
         "vertebra_plana", "vacuum_cleft", "adjacent_fractures", "levels_to_treat"),
    ),
    (
        "Wall, canal and access",
        ("posterior_wall", "retropulsion_mm", "canal", "neurological_risk", "pedicles", "access"),
    ),
    ("Cause and age", ("nature", "signs", "age", "mri_needed", "infection_signs", "hardware_or_cement")),
    (
        "SINS, for neoplastic lesions",
        ("sins_location", "sins_pain", "sins_lesion", "sins_alignment", "sins_collapse",
         "sins_posterolateral"),
    ),
    (
        "Clinical, where known",
        ("pain_vas", "pain_mechanical", "focal_tenderness", "pain_weeks", "analgesics_failed",
         "neurological_deficit", "inr", "platelets_per_nl", "anticoagulated", "systemic_infection",
         "cement_allergy", "life_expectancy_weeks", "radiotherapy_planned", "surgery_possible"),
    ),
    ("Remarks", ("comment",)),
)  # fmt: skip
ASKED = tuple(name for _, names in _GROUPS for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field: its column, what stands in it, and whether that is the software's proposal."""

    column: Column
    value: str
    chosen: tuple[str, ...]
    is_proposed: bool

    @property
    def label(self) -> str:
        """The column's name as words."""
        words = self.column.name.replace("_fraction", " (share)").replace("_mm", " in mm")
        return (
            words.replace("_", " ")
            .replace("sins ", "")
            .replace("mri", "MRI")
            .replace("inr", "INR")
            .capitalize()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Fields that stand together."""

    title: str
    questions: tuple[Question, ...]


def groups_of(
    own: InterventionalReview | None, proposal: Proposal | None, sent: Fields | None
) -> tuple[Group, ...]:
    """The form as it is shown: what was sent and refused, else what was answered, else the proposal."""
    columns = {column.name: column for column in columns_of(InterventionalReview)}
    cells: dict[str, Cell] = {}
    if own is not None:
        cells = to_cells(own)
    elif proposal is not None:
        cells = proposal.prefilled
    is_proposed = own is None and sent is None
    return tuple(
        Group(
            title=title,
            questions=tuple(_question(columns[name], cells, sent, is_proposed=is_proposed) for name in names),
        )
        for title, names in _GROUPS
    )


def review_cells(form: Fields) -> dict[str, object]:
    """The form's fields by column; several codes become one text, as in the tables."""
    columns = {column.name: column for column in columns_of(InterventionalReview)}
    cells: dict[str, object] = {
        name: " ".join(form.all(name)) if columns[name].kind is Kind.CODES else form.one(name)
        for name in ASKED
    }
    cells["change_reason"] = form.one("change_reason")
    return cells


def _question(column: Column, cells: dict[str, Cell], sent: Fields | None, *, is_proposed: bool) -> Question:
    if sent is not None:
        value, chosen = sent.one(column.name), sent.all(column.name)
    else:
        cell = cells.get(column.name)
        value = "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
        chosen = tuple(value.split()) if column.kind is Kind.CODES else (value,)
    return Question(column=column, value=value, chosen=chosen, is_proposed=is_proposed and bool(value))
