"""How long what is kept: images, results, and the rows that tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from spondyl.worklist.states import ReadingState, StudyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days after which files are removed; None keeps them. Answers and the audit are never removed.

    images_days: the CT itself, once it is analysed.
    results_days: pictures, masks and finding, once the reading is concluded or there is none.
    """

    images_days: int | None = None
    results_days: int | None = None

    def __post_init__(self) -> None:
        for days in (self.images_days, self.results_days):
            if days is not None and days < 1:
                raise ValueError(f"{days} days: at least 1, or none to keep for ever")


_IMAGES_DONE = frozenset({StudyState.NOTIFIED, StudyState.FAILED})
_READING_DONE = frozenset({ReadingState.NONE, ReadingState.CONCLUDED})


def images_may_go(rule: Retention, state: StudyState, received_at: datetime, now: datetime) -> bool:
    """Whether the images may be removed: analysed or given up, and old enough (on the day: included)."""
    return state in _IMAGES_DONE and _is_old(rule.images_days, received_at, now)


def results_may_go(
    rule: Retention, state: StudyState, reading: ReadingState, received_at: datetime, now: datetime
) -> bool:
    """Whether the results may be removed: nothing is still to be read from them, and they are old enough."""
    return state in _IMAGES_DONE and reading in _READING_DONE and _is_old(rule.results_days, received_at, now)


def _is_old(days: int | None, received_at: datetime, now: datetime) -> bool:
    return days is not None and now - received_at >= timedelta(days=days)
