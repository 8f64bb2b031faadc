from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from spondyl import cli
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import DEBUG_VARIABLE
from spondyl.cli.notice import NOTICE
from spondyl.domain.finding import NOT_FOR_DIAGNOSIS


def test_the_terminal_says_the_sentence_of_the_finding() -> None:
    assert NOTICE == NOT_FOR_DIAGNOSIS


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The command silences all logging of its process, which here is that of the other tests too."""
    yield
    logging.disable(logging.NOTSET)


def break_down() -> None:
    raise ArithmeticError("patient DOE")


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_error_of_our_own_is_one_line_without_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DEBUG_VARIABLE, raising=False)
    monkeypatch.setattr(cli, "app", break_down)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == ExitCode.BUG
    assert "internal error (ArithmeticError at " in said
    assert "DOE" not in said
    assert len(said.splitlines()) == 1


def test_the_details_of_an_error_are_printed_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DEBUG_VARIABLE, "1")
    monkeypatch.setattr(cli, "app", break_down)
    with pytest.raises(SystemExit):
        cli.main()
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_ends_as_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", interrupt)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.INTERRUPTED
