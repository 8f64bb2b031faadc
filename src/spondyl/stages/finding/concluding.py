"""State, score and reasons of one study."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.domain.finding import GRADE_2_OR_MORE, POSSIBLE_GRADE_2, UNREAD_IN_THE_ROW, Reason, State
from spondyl.domain.grading import COUNTED_GRADE, Graded, NotGraded
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.domain.refusal import NotMeasuredCode, RefusalCode
from spondyl.stages.finding.merging import Seen
from spondyl.stages.finding.settings import Settings

_TOLD_ALREADY: dict[str, str] = {  # confounders of the scan that repeat a note
    Kind.THICK_SLICES: "THICK_SLICES",
    Kind.NUMBERING_DOUBT: "LEVELS_UNCERTAIN",
}
_ROW = (Level.T4, Level.L4)  # where outlines are sure enough for a doubtful one to mean something (ours)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """One vertebra with its confounders and what they leave of it.

    Without a grade, or where a confounder rejects it, no grade counts.
    """

    seen: Seen
    confounders: tuple[Confounder, ...]

    @property
    def counts(self) -> bool:
        """Whether it was read for fracture."""
        return self.seen.is_read

    @property
    def is_doubtful(self) -> bool:
        """Whether it lies in view, but what was outlined is not the shape of a vertebra."""
        grade = self.seen.grade
        return isinstance(grade, NotGraded) and grade.code is NotMeasuredCode.DOUBTFUL_OUTLINE

    @property
    def counted_grade(self) -> int | None:
        """The grade that may flag the study: as measured, less what the confounders take."""
        if not isinstance(self.seen.grade, Graded):
            return None
        if self._has(Effect.REJECT):
            return 0
        return max(0, self.seen.grade.grade - (1 if self._has(Effect.DOWNGRADE) else 0))

    @property
    def counted_text(self) -> str | None:
        """What the grade was and what changed it; None where nothing did."""
        grade, counted = self.seen.grade, self.counted_grade
        if not isinstance(grade, Graded) or counted is None or counted == grade.grade:
            return None
        causes = [x for x in self.confounders if x.effect in {Effect.REJECT, Effect.DOWNGRADE}]
        kinds = ", ".join(dict.fromkeys(x.kind.replace("_", " ") for x in causes))
        return (
            f"Grade {grade.grade} by height ({grade.loss_fraction:.0%} lost), counted as grade {counted} "
            f"because of: {kinds}."
        )

    @property
    def probability(self) -> float | None:
        """Probability of grade 2 or more where it counts for the score."""
        grade, counted = self.seen.grade, self.counted_grade
        is_changed = isinstance(grade, Graded) and counted != grade.grade
        if not self.counts or self._has(Effect.REJECT) or (is_changed and (counted or 0) < COUNTED_GRADE):
            return None
        return self.seen.grade.probability_grade_2_or_more

    def flags(self, settings: Settings) -> bool:
        """Whether this vertebra flags the study: a deformity that may well be of the grade that flags."""
        grade, probability = self.counted_grade, self.probability
        if grade is None or probability is None:
            return False
        return grade >= settings.least_grade and probability >= settings.flag_probability

    def _has(self, effect: Effect) -> bool:
        return any(confounder.effect == effect for confounder in self.confounders)


def confounders_of_study(confounders: tuple[Confounder, ...]) -> tuple[Confounder, ...]:
    """Those of the scan as a whole; of one kind seen in two series only the first, most severe effect."""
    of_study = [one for one in confounders if one.level is None]
    severity = list(Effect)
    kept: dict[str, Confounder] = {}
    for one in of_study:
        other = kept.get(one.kind)
        if other is None or (severity.index(one.effect) > severity.index(other.effect)):
            kept[one.kind] = one
    return tuple(kept.values())


def judge(
    vertebrae: tuple[Judged, ...], study: tuple[Confounder, ...], settings: Settings
) -> tuple[State, float | None, tuple[Reason, ...]]:
    """Conclude from the judged vertebrae and the confounders of the study as a whole."""
    n_read = sum(judged.counts for judged in vertebrae)
    flagged = [judged for judged in vertebrae if judged.flags(settings)]
    unread = _unread_in_the_row(vertebrae)
    excluded = [confounder for confounder in study if confounder.effect == Effect.EXCLUDE]
    notes = _notes(vertebrae, study, settings)
    # what stands is told, however little else was in view
    if excluded or (n_read < settings.min_vertebrae and not flagged):
        return State.NOT_EVALUABLE, None, (*_why_not(n_read, flagged, settings), *notes)
    score = score_of([judged.probability for judged in vertebrae], settings)
    if flagged or unread:
        reasons = tuple(_flag_reason(judged) for judged in flagged) + _unread_reason(unread)
        score = max(score, settings.unread_score) if unread else score
        return State.FLAG, score, (*reasons, *_too_few(n_read, settings), *notes)
    nothing = Reason(
        code="NO_GRADE_2_OR_MORE",
        text=f"None of the {n_read} vertebrae read has a fracture of grade {COUNTED_GRADE} or more.",
    )
    return State.NO_FLAG, min(score, settings.unflagged_score_limit), (nothing, *notes)


def score_of(probabilities: list[float | None], settings: Settings) -> float:
    """Probability that the case holds a fracture of grade 2 or more.

    The errors of one patient's vertebrae are not independent (same slices, same outline habits), so a
    plain 1 - Π(1 - p) lets many small p add up. Each p is sharpened to p^s / (p^s + (1-p)^s), which
    leaves 0, 0.5 and 1 where they are, and only the largest few are multiplied.
    """
    sharpness = settings.score_sharpness
    known = sorted((p for p in probabilities if p is not None), reverse=True)[: settings.score_vertebrae]
    sharp = [p**sharpness / (p**sharpness + (1.0 - p) ** sharpness) for p in known]
    return float(1.0 - np.prod([1.0 - p for p in sharp]))


def _flag_reason(judged: Judged) -> Reason:
    grade = judged.seen.grade
    assert isinstance(grade, Graded)
    certainty = " (level uncertain)" if judged.seen.name.is_uncertain or judged.seen.names_disagree else ""
    text = (
        f"{grade.level}{certainty}: grade {grade.grade}, {grade.shape}, height loss "
        f"{grade.loss_fraction:.0%} ± {grade.loss_sd:.0%}, "
        f"probability of grade 2 or more {grade.probability_grade_2_or_more:.2f}."
    )
    is_clear = (judged.counted_grade or 0) >= COUNTED_GRADE
    return Reason(code=GRADE_2_OR_MORE if is_clear else POSSIBLE_GRADE_2, text=text)


def _unread_in_the_row(vertebrae: tuple[Judged, ...]) -> tuple[Level, ...]:
    """Levels T4 to L4, whole in view between two that were read, that were not found or have no outline.

    A crushed vertebra may be both, so that silence about it would be the worst answer.
    """
    unread: list[Level] = []
    for upper, lower in pairwise(vertebrae):
        if upper.counts and lower.counts:
            unread += _levels_between(upper.seen.name.level, lower.seen.name.level)
    for upper, judged, lower in zip(vertebrae, vertebrae[1:], vertebrae[2:], strict=False):
        if judged.is_doubtful and upper.counts and lower.counts:
            unread.append(judged.seen.name.level)
    first, last = _ROW
    return tuple(sorted((x for x in unread if first.order <= x.order <= last.order), key=lambda x: x.order))


def _levels_between(upper: Level, lower: Level) -> list[Level]:
    """The levels of ordinary anatomy between two; a body too many or too few is no missed one."""
    return [x for x in STANDARD_LEVELS if upper.order < x.order < lower.order]


def _unread_reason(unread: tuple[Level, ...]) -> tuple[Reason, ...]:
    if not unread:
        return ()
    text = (
        f"{', '.join(unread)}: between vertebrae that were read, but without the outline of a vertebra; "
        "a crushed one may look so: have it read."
    )
    return (Reason(code=UNREAD_IN_THE_ROW, text=text),)


def _too_few(n_read: int, settings: Settings) -> tuple[Reason, ...]:
    if n_read >= settings.min_vertebrae:
        return ()
    text = f"{n_read} vertebrae could be read for fracture; at least {settings.min_vertebrae} are needed."
    return (Reason(code=RefusalCode.TOO_FEW_VERTEBRAE.value, text=text),)


def _why_not(n_read: int, flagged: list[Judged], settings: Settings) -> tuple[Reason, ...]:
    reasons = list(_too_few(n_read, settings))
    if flagged:
        levels = _listed(flagged)
        text = f"{levels} looked fractured; have it read."
        reasons.append(Reason(code="SUSPICIOUS_BUT_NOT_EVALUABLE", text=text))
    return tuple(reasons)


def _notes(
    vertebrae: tuple[Judged, ...], study: tuple[Confounder, ...], settings: Settings
) -> tuple[Reason, ...]:
    """What a reader has to know beside the state."""
    read = [judged for judged in vertebrae if judged.counts]
    thin_enough = [judged for judged in read if isinstance(judged.seen.grade, Graded)]
    groups = (
        (
            "REJECTED_BY_CONFOUNDER",
            [judged for judged in read if _is_held_back(judged)],
            "{levels}: deformed, but put down to something other than a fracture. {changes}",
        ),
        (
            "NOT_ALL_EVALUATED",
            [judged for judged in vertebrae if judged.seen.name.level.is_graded and not judged.counts],
            "Not read for fracture: {levels}.",
        ),
        (
            "DETECTION_ONLY",
            [judged for judged in read if not isinstance(judged.seen.grade, Graded)],
            "Slices too thick to grade; only a severe fracture can be seen or left out: {levels}.",
        ),
        (
            "THICK_SLICES",
            [judged for judged in thin_enough if judged.seen.slice_spacing_mm > settings.full_spacing_mm],
            "Graded on slices above "
            + f"{settings.full_spacing_mm:g} mm, with a larger uncertainty: {{levels}}.",
        ),
        (
            "LEVELS_UNCERTAIN",
            [judged for judged in vertebrae if judged.seen.name.is_uncertain],
            "Level names not sure: {levels}.",
        ),
        (
            "LEVELS_DISAGREE",
            [judged for judged in vertebrae if judged.seen.names_disagree],
            "The stacks of this study do not agree on the names: {levels}.",
        ),
    )
    notes = [
        Reason(code=code, text=text.format(levels=_listed(concerned), changes=_changes(concerned)))
        for code, concerned, text in groups
        if concerned
    ]
    told = {note.code for note in notes}
    return (
        *notes,
        *(
            Reason(code=str(one.kind).upper(), text=one.text)
            for one in study
            if _TOLD_ALREADY.get(one.kind) not in told
        ),
    )


def _is_held_back(judged: Judged) -> bool:
    grade, counted = judged.seen.grade, judged.counted_grade
    if not isinstance(grade, Graded) or counted is None or grade.grade < COUNTED_GRADE:
        return False
    return counted < COUNTED_GRADE


def _changes(judged: list[Judged]) -> str:
    return " ".join(
        f"{one.seen.name.level}: {one.counted_text}" for one in judged if one.counted_text is not None
    )


def _listed(judged: list[Judged]) -> str:
    return ", ".join(one.seen.name.level.value for one in judged)
