"""Pictures of the station's pages for the documents: a synthetic CT, real analysis, Debian's Chromium.

``python benchmarks/station_pictures.py`` writes docs/images/station; ``--results`` takes results that
``wiring.Reader.read_to_show`` wrote, instead of analysing anew.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Study
from spondyl.domain.finding import State, StudyFinding
from spondyl.web.app import create_app
from station_made import PASSWORD, made_station, read_study  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]
DESK, TABLET = (1280, 800), (820, 1180)
COLOURS = 160  # of a picture in the repository: small, and nothing to be seen of it


def main() -> None:
    """Analyse, serve, look, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "station")
    parser.add_argument("--results", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        results = given.results or analysed(Path(folder))
        finding = StudyFinding.model_validate_json((results / "finding.json").read_text(encoding="utf-8"))
        station = made_station(Path(folder) / "station", now, marks="at_once")
        earlier = finding.model_copy(update={"state": State.NO_FLAG})
        for number, (found, day) in enumerate(((finding, "2026-11-20"), (earlier, "2025-02-11"))):
            add(station, number, found, results, day)
        address = serve(station)
        look(address, given.out)
        for number in range(2, 7):
            add(station, number, finding, results, "2026-11-21")
        look_at_lists(address, given.out)


def add(station: Station, number: int, finding: StudyFinding, results: Path, day: str) -> None:
    """A study with these results; the first two are of one patient."""
    study_id = read_study(station, number, finding)
    shutil.rmtree(station.results(study_id))
    shutil.copytree(results, station.results(study_id))
    with station.database.writing() as session:
        study = session.get_one(Study, study_id)
        study.study_date, study.patient_key = day, "p" if number < 2 else study.patient_key


def now() -> datetime:
    """A real clock for a real browser."""
    return datetime.now(UTC)  # noqa: TID251 - as it says


def analysed(folder: Path) -> Path:
    """The synthetic demo CT, analysed."""
    from spondyl.settings import load
    from spondyl.wiring import open_reader, write_synthetic_study

    series = write_synthetic_study(folder / "ct")
    open_reader(load()).read_to_show(series, folder / "results")
    return folder / "results"


def serve(station: Station) -> str:
    """Serve in a thread that ends with this process; gives the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = uvicorn.Server(
        uvicorn.Config(create_app(station, lambda _study_id: None), port=port, log_config=None)
    )
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.1)
    return f"http://127.0.0.1:{port}"


def look(address: str, out: Path) -> None:
    """One case from the first reader to the interventional form."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = case_of(browser, address, "rita")
        say(page, "f", "2", "w")
        keep(page, out / "reading.png")
        lock(page)
        page = case_of(browser, address, "ben")
        say(page, "n", "e", "s", "Escape")
        lock(page)
        page = case_of(browser, address, "ada")
        say(page, "f", "3", "w")
        keep(page, out / "adjudication.png")
        lock(page)
        keep(case_of(browser, address, "ivo"), out / "intervention.png")
        keep(case_of(browser, address, "ina", TABLET), out / "tablet.png")
        browser.close()


def look_at_lists(address: str, out: Path) -> None:
    """The coordinator's pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = logged_in(browser, address, "cora")
        keep(page, out / "worklist.png")
        page.goto(f"{address}/progress")
        keep(page, out / "progress.png")
        browser.close()


def case_of(browser: Any, address: str, name: str, size: tuple[int, int] = DESK) -> Any:  # noqa: ANN401
    """The first case of this person, with its pictures."""
    page = logged_in(browser, address, name, size)
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer")
    page.wait_for_timeout(1500)
    return page


def say(page: Any, *keys: str) -> None:  # noqa: ANN401 - playwright's own
    """The same answer to every vertebra that the software marked, the first one last."""
    buttons = page.locator(".level-button.is-marked")
    for place in reversed(range(buttons.count())):
        buttons.nth(place).click()
        for key in keys:
            page.keyboard.press(key)
    page.wait_for_timeout(1500)


def lock(page: Any) -> None:  # noqa: ANN401 - playwright's own
    """Lock the answer."""
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("text=Nothing waits for you")


def logged_in(browser: Any, address: str, name: str, size: tuple[int, int] = DESK) -> Any:  # noqa: ANN401
    """A page after the log-in."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(f"{address}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)
    return page


def keep(page: Any, path: Path) -> None:  # noqa: ANN401 - playwright's own
    """A screenshot, made small."""
    picture = Image.open(BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)
    print(f"{path} {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
