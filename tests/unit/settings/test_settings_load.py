from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from spondyl.domain.network import Engine
from spondyl.settings import SettingsError, load, settings_sha256

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPONDYL_ENGINE", "SPONDYL_THREADS", "SPONDYL_WEIGHTS_FOLDER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text('engine = "openvino"\nthreads = 3\n\n[stages.report]\ntile_probability = 0.3\n')
    return path


def test_a_file_sets_what_it_names_and_leaves_the_rest(file: Path) -> None:
    settings = load(file)
    assert (settings.engine, settings.threads) == (Engine.OPENVINO, 3)
    assert settings.stages.report.tile_probability == 0.3
    assert settings.stages.report.slab_mm == load().stages.report.slab_mm
    assert settings.stages.ingest == load().stages.ingest


def test_the_environment_stands_over_the_file_and_what_is_given_over_both(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPONDYL_THREADS", "4")
    monkeypatch.setenv("SPONDYL_STAGES__REPORT__TILE_PROBABILITY", "0.4")
    assert load(file).threads == 4
    assert load(file).stages.report.tile_probability == 0.4
    assert load(file, threads=5).threads == 5
    assert load(file, threads=None).threads == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thread = 3\n", "setting thread: "),
        ('threads = "many"\n', "setting threads: .*got 'many'"),
        ("threads = 0\n", "setting threads: .*got 0"),
        ("[stages.report]\ntile = 1\n", "setting stages.report.tile: "),
        ("threads = \n", "cannot be read"),
    ],
)
def test_what_is_not_allowed_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_the_fingerprint_follows_what_changes_a_result_and_nothing_else(file: Path) -> None:
    plain = settings_sha256(load().stages)
    assert plain == settings_sha256(load(engine="onnxruntime", threads=7).stages)
    assert plain != settings_sha256(load(file).stages)
