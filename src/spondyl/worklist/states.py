"""The states of a study on its way through the station and of its reading, and the moves allowed."""

from __future__ import annotations

from enum import StrEnum


class StudyState(StrEnum):
    """How far a study has come. The order is the way; FAILED may follow any state but the last."""

    RECEIVED = "received"  # files are arriving
    COMPLETE = "complete"  # all files are here
    ANALYSED = "analysed"  # there is a finding: FLAG, NO_FLAG or NOT_EVALUABLE
    SENT = "sent"  # results lie at their destination, or none is configured
    NOTIFIED = "notified"  # whoever has to know was told: the end
    FAILED = "failed"  # tried as often as the settings allow; a person has to look


_WAY = (StudyState.RECEIVED, StudyState.COMPLETE, StudyState.ANALYSED, StudyState.SENT, StudyState.NOTIFIED)


class MoveError(ValueError):
    """A move between states that is not allowed."""


def may_move(before: StudyState, after: StudyState) -> bool:
    """Whether ``after`` may follow ``before``: the next step of the way, a failure, or a new beginning.

    Any state may go back to COMPLETE: more files came, or a person asked for the analysis again. From the end
    one may go back a step: a report came, and by it somebody is to be told.
    """
    if after is StudyState.COMPLETE:
        return before is not StudyState.COMPLETE
    if (before, after) == (StudyState.NOTIFIED, StudyState.SENT):
        return True
    if after is StudyState.FAILED:
        return before not in (StudyState.FAILED, StudyState.NOTIFIED)
    if before is StudyState.FAILED or after is StudyState.RECEIVED:
        return False
    return _WAY.index(after) == _WAY.index(before) + 1


def checked_move(before: StudyState, after: StudyState) -> StudyState:
    """``after``, where it may follow.

    Raises:
        MoveError: it may not.
    """
    if not may_move(before, after):
        raise MoveError(f"a study that is {before} cannot become {after}")
    return after


class ReadingState(StrEnum):
    """How far the reading of a study has come."""

    NONE = "none"  # not to be read
    OPEN = "open"  # no reader has answered
    PARTLY_READ = "partly_read"  # some have
    TO_ADJUDICATE = "to_adjudicate"  # all have, and they differ
    CONCLUDED = "concluded"  # they agree, or the adjudicator has decided


def reading_state(wanted: int, answered: int, *, differ: bool, adjudicated: bool) -> ReadingState:
    """The state from the number of first readings wanted and answered."""
    if wanted == 0:
        return ReadingState.NONE
    if answered < wanted:
        return ReadingState.PARTLY_READ if answered else ReadingState.OPEN
    return ReadingState.TO_ADJUDICATE if differ and not adjudicated else ReadingState.CONCLUDED
