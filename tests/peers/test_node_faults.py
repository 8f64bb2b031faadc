"""The fault table in small: benchmarks/dicom_faults.py prints all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import node_faults
from node_faults import FAULTS, kills

# pynetdicom leaves the closing of a refused connection's socket to the collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_after_a_fault_each_study_has_one_set_of_results(
    fault: Callable[[Path], node_faults.Row], tmp_path: Path
) -> None:
    row = fault(tmp_path)
    assert row.complete_once == (0 if fault is node_faults.refused_context else row.studies)


@pytest.mark.slow
def test_a_killed_route_goes_on_and_sends_nothing_twice(tmp_path: Path) -> None:
    row = kills(tmp_path, 3, seed=7)
    assert row.complete_once == row.studies >= 3
