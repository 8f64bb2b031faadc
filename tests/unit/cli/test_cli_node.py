"""The network's commands without a network: what they refuse, and what mercure is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_finding import finding
from typer.testing import CliRunner

from spondyl.cli import app
from spondyl.cli.mercure_module import result_of
from spondyl.domain.finding import State

pytest.importorskip("pynetdicom", reason="the extra node is not installed")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


@pytest.mark.parametrize("target", ["PACS", "PACS@host", "@host:104", "A_TITLE_THAT_IS_TOO_LONG@host:104"])
def test_a_wrong_address_is_a_usage_error_that_says_how_to_write_one(target: str) -> None:
    code, text = run("pacs", "echo", target)
    assert code == 2
    assert "AETITLE@host:port" in text or "is not an AE title" in text


def test_an_unknown_keyword_is_told() -> None:
    code, text = run("pacs", "find", "PACS@127.0.0.1:1", "--key", "PatientNumber=3")
    assert code == 2
    assert "PatientNumber" in text


def test_a_tls_listener_without_a_key_is_told(tmp_path: Path) -> None:
    code, text = run(
        "receive", "--listen", "127.0.0.1:0", "--into", str(tmp_path), "--tls-authorities", "x.pem"
    )
    assert code == 2
    assert "needs its certificate and its key" in text


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, text = run("send", str(tmp_path / "none"), "--to", "PACS@127.0.0.1:1")
    assert (code, "there is no such file or folder" in text) == (3, True)


def test_mercure_is_asked_to_notify_of_a_flagged_study_only() -> None:
    flagged, other = result_of(finding(State.FLAG)), result_of(finding(State.NO_FLAG))
    assert flagged["__mercure_notification"]["requested"] is True  # type: ignore[index]
    assert other["__mercure_notification"]["requested"] is False  # type: ignore[index]
    assert "not for diagnosis" in flagged["__mercure_notification"]["text"]  # type: ignore[index]
