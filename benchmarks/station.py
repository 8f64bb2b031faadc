"""The station's pages: server time of the worklist with 10,000 studies, and of the reading page.

``python benchmarks/station.py`` prints a table. Nothing leaves this process: pages are asked for in memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Reading, Study
from spondyl.web.app import create_app
from spondyl.worklist.priority import rank, suspicion_of
from station_made import PASSWORD, made_finding, made_station, read_study  # type: ignore[import-not-found]

WORKLIST_BAR_S, READING_BAR_S = 0.2, 2.0


def main() -> None:
    """Fill a station, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        station = made_station(
            Path(folder), lambda: datetime(2026, 11, 24, 9, 0, tzinfo=UTC), marks="at_once"
        )
        read_study(station, 1)
        fill(station, given.studies)
        print(f"{given.studies} studies, SQLite; server time in ms, median and largest of {given.repeats}")
        with station.database.reading() as session:
            task, owner = session.execute(
                select(Reading.reading_id, Account.name).join(
                    Account, Account.account_id == Reading.account_id
                )
            ).first() or ("", "")
        coordinator, reader = browser(station, "cora"), browser(station, owner)
        show("worklist, first page", coordinator, "/studies", given.repeats, WORKLIST_BAR_S)
        show("worklist, page 150", coordinator, "/studies?number=150", given.repeats, WORKLIST_BAR_S)
        show("worklist, flagged", coordinator, "/studies?finding=FLAG", given.repeats, WORKLIST_BAR_S)
        show("worklist, search T8", coordinator, "/studies?search=T8", given.repeats, WORKLIST_BAR_S)
        show("reading page", reader, f"/tasks/{task}", given.repeats, READING_BAR_S)
        picture = f"/tasks/{task}/pictures/s0_sagittal_1_bone.png"
        show("its first picture", reader, picture, given.repeats, READING_BAR_S)
        station.database.close()


def fill(station: Station, count: int) -> None:
    """Rows as the analysis would leave them."""
    suspicion = suspicion_of(made_finding())
    start = station.clock()
    rows = [
        {
            "study_id": f"{number:024x}", "source": "dicom", "study_date": "2026-11-01", "sex": "F",
            "age_years": 70, "received_at": start - timedelta(minutes=number), "state": "notified",
            "reading_state": "open" if number % 3 == 0 else "none", "analysis": 1,
            "finding_state": "FLAG" if number % 3 == 0 else "NO_FLAG",
            "score_probability": (number % 100) / 100, "worst_grade": number % 4,
            "levels": "T8 L1" if number % 6 == 0 else "",
            "rank": rank(suspicion, (start - timedelta(minutes=number)).timestamp()) + (number % 100) / 100,
            "has_images": True, "has_results": True,
        }
        for number in range(1, count)
    ]  # fmt: skip
    with station.database.writing() as session:
        session.execute(insert(Study), rows)


def browser(station: Station, name: str) -> TestClient:
    """Somebody logged in."""
    client = TestClient(create_app(station, lambda _study_id: None))
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/login", data={"csrf_token": token, "name": name, "password": PASSWORD})
    return client


def show(name: str, client: TestClient, path: str, repeats: int, bar_s: float) -> None:
    """Ask so often, print one line."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        answer = client.get(path)
        times.append(time.perf_counter() - begun)
        assert answer.status_code == 200, answer.text
    told = "met" if median(times) <= bar_s else "NOT MET"
    print(
        f"{name:24} {1000 * median(times):8.0f} {1000 * max(times):8.0f}   bar {1000 * bar_s:.0f} ms {told}"
    )


if __name__ == "__main__":
    main()
