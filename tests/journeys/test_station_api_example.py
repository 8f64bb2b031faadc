"""The client in docs/how-to/use-the-station-api.md, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("dbos", reason="the extra station is not installed")

from sqlalchemy import select

from spondyl.adapters.station import accounts
from spondyl.adapters.station.tables import Account
from spondyl.worklist.roles import Permission
from station_made import made_station, zip_of_a_study
from station_served import real_clock, served

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "use-the-station-api.md"
pytestmark = pytest.mark.slow


def test_the_client_of_the_page(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    station = made_station(tmp_path / "station", real_clock)
    scopes = [Permission.SEE_STUDIES, Permission.UPLOAD, Permission.REPORT_TEXT]
    with station.database.writing() as session:
        robot = session.scalars(select(Account).where(Account.name == "robot")).one()
        key = accounts.create_key(session, real_clock(), robot, scopes, days=1)
    (tmp_path / "study.zip").write_bytes(zip_of_a_study())
    with served(station) as (address, _):
        ran = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={**os.environ, "STATION": address, "STATION_KEY": key}, check=False,
        )  # fmt: skip
    station.database.close()
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    assert lines[0] == "FLAG 3 ['L1']"
    assert "L1 3 0.5" in lines
    assert lines[-1] == "X"  # a fracture is said to be absent
