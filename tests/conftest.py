"""What every test finds: the real CTs where they are, and a skip with a reason where something is not."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HAS_TORCH = find_spec("torch") is not None


def data_folder() -> Path | None:
    """Where the real CTs lie: SPONDYL_DATA, or shared/data beside the repository."""
    named = os.environ.get("SPONDYL_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the train extra, or the real CTs, where these are absent."""
    reasons = {}
    if not HAS_TORCH:
        reasons["torch"] = "PyTorch is not installed: `make train-extra` installs it"
    if data_folder() is None:
        reasons["data"] = "no real CTs: set SPONDYL_DATA, or lay them at ../shared/data"
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def real_data() -> Path:
    """Folder with the real CTs."""
    folder = data_folder()
    if folder is None:
        pytest.skip("no real CTs: set SPONDYL_DATA, or lay them at ../shared/data")
    return folder
