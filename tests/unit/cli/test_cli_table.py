from __future__ import annotations

import io

import pytest
from made_finding import finding
from rich.console import Console

from spondyl.cli.table import print_answer
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, State


def printed(width: int = 120, *, verbose: bool = False, state: State = State.FLAG) -> str:
    stream = io.StringIO()
    print_answer(Console(file=stream, width=width, highlight=False), finding(state), verbose=verbose)
    return stream.getvalue()


def row(text: str, level: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [level]]
    return line.split()


def test_the_answer_begins_with_the_notice_and_the_state() -> None:
    lines = printed().splitlines()
    assert lines[0] == NOT_FOR_DIAGNOSIS
    assert lines[2] == "FLAG  probability of a fracture of grade 2 or more: 0.99"
    assert lines[3].strip() == "GRADE_2_OR_MORE: L1: 46 % loss of anterior height, grade 3."


def test_a_row_gives_heights_the_largest_sd_loss_grade_shape_probability_and_attenuation() -> None:
    assert row(printed(), "L1") == ["L1", "13.9", "15.2", "25.8", "0.6", "46", "3", "wedge", "0.99", "142"]
    assert row(printed(), "T12") == ["T12", "24.0", "23.0", "26.5", "0.6", "2", "0", "normal", "0.00", "142"]


def test_what_is_not_measured_shows_dashes_and_its_code_and_a_doubtful_name_a_question_mark() -> None:
    assert row(printed(), "L2?") == ["L2?", *["–"] * 9]
    assert "L2: CUT_BY_BORDER The scan ends within it." in printed()
    assert "? the level's name is uncertain" in printed()


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_word(state: State) -> None:
    assert state.value.replace("_", " ") in printed(state=state)


def test_eighty_columns_suffice() -> None:
    assert max(len(line) for line in printed(80).splitlines()) <= 80
    assert row(printed(80), "L1")[:4] == ["L1", "13.9", "15.2", "25.8"]


def test_text_out_of_the_input_is_shown_as_it_is() -> None:
    assert "[red]chest[/red]" in printed(verbose=True)


def test_verbose_adds_series_networks_and_times() -> None:
    text = printed(verbose=True)
    assert "read: [red]chest[/red], 133 slices, 2.50 mm: best score" in text
    assert "finder 1 (222222222222); onnxruntime 1.32.0, 2 threads, f32" in text
    assert "ingest 0.51 s" in text
    assert "ingest" not in printed()
