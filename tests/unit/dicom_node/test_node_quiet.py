"""When a study counts as complete, on a clock that the test moves."""

from __future__ import annotations

import pytest

from spondyl.adapters.dicom_node import QuietSettings, QuietTimer


class HandClock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def timer(clock: HandClock) -> QuietTimer:
    return QuietTimer(QuietSettings(quiet_s=10, patience_s=60), clock)


def quiet_after(timer: QuietTimer, clock: HandClock, seconds: float) -> list[str]:
    clock.now_s += seconds
    return timer.take_quiet()


def test_a_released_study_is_complete_at_the_quiet_time_and_not_before(
    timer: QuietTimer, clock: HandClock
) -> None:
    timer.touch("a", 1)
    timer.source_ended(1, orderly=True)
    assert quiet_after(timer, clock, 9.99) == []
    assert quiet_after(timer, clock, 0.01) == ["a"]


def test_each_object_starts_the_time_again(timer: QuietTimer, clock: HandClock) -> None:
    timer.touch("a", 1)
    assert quiet_after(timer, clock, 9) == []
    timer.touch("a", 1)
    timer.source_ended(1, orderly=True)
    assert quiet_after(timer, clock, 9) == []
    assert quiet_after(timer, clock, 1) == ["a"]


def test_an_open_association_is_waited_for(timer: QuietTimer, clock: HandClock) -> None:
    timer.touch("a", 1)
    assert quiet_after(timer, clock, 59) == []
    assert quiet_after(timer, clock, 1) == ["a"]


def test_a_cut_off_association_is_waited_for_until_another_ends_in_order(
    timer: QuietTimer, clock: HandClock
) -> None:
    timer.touch("a", 1)
    timer.source_ended(1, orderly=False)
    assert quiet_after(timer, clock, 30) == []
    timer.touch("a", 2)
    timer.source_ended(2, orderly=True)
    assert quiet_after(timer, clock, 10) == ["a"]


def test_after_a_new_start_a_study_is_given_patience(timer: QuietTimer, clock: HandClock) -> None:
    timer.touch("a", None)
    assert quiet_after(timer, clock, 59) == []
    assert quiet_after(timer, clock, 1) == ["a"]


def test_series_of_other_associations_keep_a_study_open(timer: QuietTimer, clock: HandClock) -> None:
    timer.touch("a", 1)
    timer.touch("a", 2)
    timer.source_ended(1, orderly=True)
    assert quiet_after(timer, clock, 20) == []
    timer.source_ended(2, orderly=True)
    assert timer.take_quiet() == ["a"]


def test_a_patience_shorter_than_the_quiet_time_is_no_setting() -> None:
    with pytest.raises(ValueError, match="patience_s"):
        QuietSettings(quiet_s=10, patience_s=5)
