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
from spondyl.domain.finding import StudyFinding
from spondyl.web.app import create_app
from station_made import PASSWORD, made_station, read_study  # type: ignore[import-not-found]

ROOT = Path(__file__).resolve().parents[1]
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
        for number in range(6):
            study_id = read_study(station, number, finding)
            shutil.rmtree(station.results(study_id))
            shutil.copytree(results, station.results(study_id))
        look(serve(station), given.out)


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
    """Log in, go where the pictures are, keep them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = logged_in(browser, address, "cora")
        keep(page, out / "worklist.png")
        page = logged_in(browser, address, "rita")
        page.keyboard.press("Enter")
        page.wait_for_selector("#answer")
        for key in ("f", "2", "w"):
            page.keyboard.press(key)
        page.wait_for_timeout(1500)
        keep(page, out / "reading.png")
        browser.close()


def logged_in(browser: Any, address: str, name: str) -> Any:  # noqa: ANN401 - playwright's own
    """A page of 1280 × 800 after the log-in."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
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
