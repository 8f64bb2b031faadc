from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def golden_reports() -> Path:
    """Folder of the labelled reports."""
    return Path(__file__).resolve().parents[3] / "golden" / "reports"
