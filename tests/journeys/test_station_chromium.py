"""In a real browser: sent by DICOM, read by two by keyboard, adjudicated, judged for treatment, exported."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("pynetdicom", reason="the extra node is not installed")

import pydicom
import uvicorn
from sqlalchemy import select

from spondyl.adapters.station.dicom import Node
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import DicomSettings
from spondyl.adapters.station.tables import Answer, Study
from spondyl.adapters.station.workflow import StudyQueue, StudyWorker
from spondyl.adapters.study_folder import read_study as read_study_folder
from spondyl.web.app import create_app
from spondyl.worklist.states import ReadingState
from station_made import PASSWORD, made_station, zip_of_a_study
from station_process import analyse

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe-4.14.1.min.js"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]
# rules of WCAG 2.2 up to level AA
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def real_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a real clock for a real browser


class Served:
    """A station that runs: pages, DICOM node, and a worker whose reader takes no time."""

    def __init__(self, station: Station, stack: ExitStack) -> None:
        self.station = station
        queue = StudyQueue(station)
        stack.callback(queue.close)
        worker = StudyWorker(station, queue, analyse, post=lambda rule, content: None)
        stack.callback(worker.close)
        self.node = stack.enter_context(
            Node(station, station.settings.dicom or DicomSettings(), queue.submit, lambda told: None)
        )
        server = uvicorn.Server(
            uvicorn.Config(create_app(station, queue.submit), port=0, log_config=None, access_log=False)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(lambda: setattr(server, "should_exit", True))
        wait_until(lambda: server.started)
        self.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    dicom = DicomSettings(port=0, quiet_s=0.5)
    station = made_station(tmp_path / "station", real_clock, marks="after_first_look", dicom=dicom)
    with ExitStack() as stack:
        yield Served(station, stack)


@pytest.fixture
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield opened
        opened.close()


class Person:
    """Somebody at a browser of 1280 × 800, whose page must not complain."""

    def __init__(self, browser: Any, served: Served, name: str) -> None:
        self.page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.address = served.address
        self.page.goto(f"{served.address}/login")
        self.page.focus("[name=name]")
        self.page.keyboard.type(name)
        self.keys("Tab")
        self.page.keyboard.type(PASSWORD)
        self.keys("Enter")
        self.page.wait_for_selector("h1:not(:has-text('Log in'))")
        self.page.wait_for_load_state("load")  # keys are heard from here on

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or message.type == "error":
            self.complaints.append(message.text)

    def keys(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def check_wcag(self) -> None:
        """No violation of WCAG 2.2 AA that axe can see."""
        # the policy lets no foreign script run, which is as it should be: the debugger's door is another one
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", WCAG)
        told = [
            f"{one['id']}: {one['nodes'][0]['html'][:160]} ({one['nodes'][0]['failureSummary'][:200]})"
            for one in found["violations"]
        ]
        assert told == [], "\n".join(told)


def test_a_study_from_the_scanner_to_the_study_report(served: Served, browser: Any, tmp_path: Path) -> None:
    station = served.station
    send(served, tmp_path)
    wait_until(lambda: served.node.step() == 0 and state_of(station) == "notified")

    cora = Person(browser, served, "cora")
    cora.page.wait_for_selector(".finding-FLAG")
    cora.check_wcag()
    cora.keys("j", "Enter")
    cora.page.wait_for_selector("text=Way through the station")
    cora.check_wcag()

    # the first reader, by keyboard alone; marks are hidden at the first look
    rita = Person(browser, served, "rita")
    rita.check_wcag()
    rita.keys("Enter")
    rita.page.wait_for_selector("#answer")
    assert rita.page.locator(".is-marked").count() == 0
    assert rita.page.locator("polyline").count() == 0
    rita.keys("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown")  # T11 to L1
    assert rita.page.locator(".level-button.is-selected").inner_text().startswith("L1")
    rita.keys("f", "2", "w")
    rita.check_wcag()
    rita.keys("Control+Enter")
    rita.page.wait_for_selector("text=Second look")
    assert rita.page.locator(".level-button.is-marked").count() == 1
    assert rita.page.locator("polyline").count() > 0
    rita.keys("3", "Control+Enter")
    rita.page.wait_for_selector("text=Nothing waits for you")

    # the second rejects it
    ben = Person(browser, served, "ben")
    ben.keys("j", "Enter")
    ben.page.wait_for_selector("#answer")
    ben.keys("Control+Enter")
    ben.page.wait_for_selector("text=Second look")
    ben.keys("Control+Enter")  # the mark is not answered yet
    ben.page.wait_for_selector("text=L1 is marked and not answered yet")
    ben.check_wcag()
    ben.keys("n", "e", "s", "Escape", "Control+Enter")  # the reason that begins with s
    ben.page.wait_for_selector("text=Nothing waits for you")

    ada = Person(browser, served, "ada")
    ada.keys("Enter")
    ada.page.wait_for_selector("text=Where they differ")
    assert "R1" not in ada.page.inner_text("#answer")
    ada.check_wcag()
    ada.keys("f", "3", "w", "Control+Enter")
    ada.page.wait_for_selector("text=Nothing waits for you")

    for name in ("ivo", "ina"):
        judge = Person(browser, served, name)
        judge.keys("Enter")
        judge.page.wait_for_selector("text=Proposal of the software")
        judge.check_wcag()
        judge.page.locator("[name=suitability]").focus()
        judge.page.keyboard.type("suitable")
        judge.keys("Control+Enter")
        judge.page.wait_for_selector("text=Nothing waits for you")

    for path in ("/progress", "/candidates", "/upload"):
        cora.go(path)
        cora.check_wcag()
    export = cora.page.context.request.get(f"{served.address}/export")
    with zipfile.ZipFile(BytesIO(export.body())) as archive:
        archive.extractall(tmp_path)
    data = read_study_folder(tmp_path / "spondyl-study")
    assert [row.case_id for row in data.studies] == [study_of(station).study_id]
    assert len(data.interventions) == 2
    assert study_of(station).reading_state == ReadingState.CONCLUDED

    admin = Person(browser, served, "max")
    admin.check_wcag()
    admin.go("/audit?verify=true")
    admin.page.wait_for_selector("text=The chain holds")
    admin.check_wcag()
    for person in (cora, rita, ada, admin):
        assert person.complaints == []
    with station.database.reading() as session:
        times = [
            row.cells["seconds_spent"] for row in session.scalars(select(Answer)) if not row.cells["level"]
        ]
    assert all(time_s is not None and time_s < 600.0 for time_s in times)


def send(served: Served, tmp_path: Path) -> None:
    """One slice to the node, by DCMTK where it is installed, else by pynetdicom's own."""
    with zipfile.ZipFile(BytesIO(zip_of_a_study())) as archive:
        archive.extractall(tmp_path / "scanner")
    path = next((tmp_path / "scanner").rglob("*.dcm"))
    port = served.node.receiver.port
    program = shutil.which("storescu", path="/usr/bin")
    if program:
        subprocess.run([program, "127.0.0.1", str(port), str(path)], check=True, timeout=60)
        return
    from pynetdicom import AE

    entity = AE()
    entity.add_requested_context(pydicom.dcmread(path).SOPClassUID)
    association = entity.associate("127.0.0.1", port)
    assert association.is_established
    assert association.send_c_store(path).Status == 0
    association.release()


def study_of(station: Station) -> Study:
    with station.database.reading() as session:
        return session.scalars(select(Study)).one()


def state_of(station: Station) -> str:
    with station.database.reading() as session:
        found = session.scalars(select(Study)).first()
    return "" if found is None else found.state


def wait_until(holds: Callable[[], bool], within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.1)
