"""In a real browser: sent by DICOM, read by two by keyboard, adjudicated, judged for treatment, exported."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("pynetdicom", reason="the extra node is not installed")

import pydicom
from sqlalchemy import select
from typer.testing import CliRunner

from spondyl.adapters.station.dicom import Node
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.settings import DicomSettings
from spondyl.adapters.station.tables import Account, Answer, Reading, Study
from spondyl.adapters.study_folder import read_study as read_study_folder
from spondyl.cli import app
from spondyl.web.app import routes
from spondyl.worklist.states import ReadingState
from station_made import PASSWORD, made_station, read_study, zip_of_a_study
from station_served import real_clock, wait_until
from station_served import served as served_pages

CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parents[1] / "vendor" / "axe-4.14.1.min.js"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]
# rules of WCAG 2.2 up to level AA
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Served:
    """A station that runs: pages, DICOM node, and a worker whose reader takes no time."""

    def __init__(self, station: Station, stack: ExitStack) -> None:
        self.station = station
        self.address, queue = stack.enter_context(served_pages(station))
        self.node = stack.enter_context(
            Node(station, station.settings.dicom or DicomSettings(), queue.submit, lambda told: None)
        )


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
    """Somebody at a browser, of 1280 × 800 where nothing else is said, whose page must not complain."""

    def __init__(self, browser: Any, served: Served, name: str, size: tuple[int, int] = (1280, 800)) -> None:
        width, height = size
        self.page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        self.page.set_default_timeout(20_000)
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
    report = CliRunner().invoke(app, ["study", "report", str(tmp_path / "spondyl-study"), "--no-pdf"])
    assert report.exit_code == 0, report.output
    assert (tmp_path / "spondyl-study" / "report.html").is_file()
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


@pytest.mark.parametrize("size", [(1280, 800), (820, 1180)], ids=["desk", "tablet"])
def test_every_page_at_two_sizes(served: Served, browser: Any, size: tuple[int, int]) -> None:
    """Each page that the routes name: no fault that axe sees (on the desk), nothing wider than the window."""
    station = served.station
    is_desk = size[0] > size[1]
    ids = [read_study(station, number) for number in range(3)]
    with station.database.writing() as session:
        for study_id, day in zip(ids, ("2026-11-01", "2025-03-04", "2024-01-02"), strict=True):
            study = session.get_one(Study, study_id)
            study.patient_key, study.study_date = "p", day  # so that two stand beside the first
    seen = {"/login"}
    guest = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    guest.goto(f"{served.address}/login")
    fits(guest)
    for name in ("rita", "ada", "ivo", "cora", "max"):
        person = Person(browser, served, name, size)
        for path in pages_of(station, name, ids[0]):
            person.go(path)
            if is_desk:  # the same page narrower has the same roles, names and colours
                person.page.wait_for_load_state("networkidle")
                person.check_wcag()
            fits(person.page)
            seen.add(re.sub(r"[0-9a-f]{24}", "*", path))
            if "viewer" not in path:  # the made volume is none: the viewer says so
                assert person.complaints == [], path
    wanted = {
        re.sub(r"\{[a-z_]+\}", "*", route.path)
        for route in routes()
        if "GET" in (route.methods or ()) and not route.include_in_schema and "pictures" not in route.path
    }
    files = {"/", "/export", "/oidc/start", "/oidc/callback", "/studies/*/report.html", "/tasks/*/volume/*",
             "/tasks/*/earlier/*/*", "/api/v1/openapi.json"}  # fmt: skip
    assert wanted - files <= seen


def pages_of(station: Station, name: str, study_id: str) -> list[str]:
    """The pages of this person, of a study that has two earlier ones."""
    if name == "rita":
        with station.database.reading() as session:
            task = session.scalars(
                select(Reading.reading_id)
                .join(Account, Account.account_id == Reading.account_id)
                .where(Account.name == name, Reading.study_id == study_id)
            ).one()
        return ["/reading", f"/tasks/{task}", f"/tasks/{task}/viewer", "/password"]
    return {
        "ada": ["/adjudication"],
        "ivo": ["/review", "/candidates"],
        "cora": ["/studies", f"/studies/{study_id}", "/upload", "/progress"],
        "max": ["/people", "/audit"],
    }[name]


def fits(page: Any) -> None:
    """Nothing makes the page wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, (page.url, wide)


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
