"""20 readers clicking and 4 scanners pushing at once: errors, page times, memory.

``python benchmarks/station_load.py`` runs for five minutes and ends with 1 where there was an error, the 95th
percentile of the page times is over 500 ms, or memory grew. The pages with the DICOM node are the real
``spondyl serve`` on SQLite; a worker with a reader that takes 0.2 s stands for the analysis, which is not the
point here. Readers, scanners and station share the machine's cores.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import httpx2
import numpy as np
from pynetdicom import AE
from sqlalchemy import func, select

from node_peers import ScriptedPacs, ct_object, free_port  # type: ignore[import-not-found]
from spondyl.adapters.station import accounts
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Answer, Study
from spondyl.worklist.roles import Role
from station_made import (  # type: ignore[import-not-found]
    CHEAP_HASH,
    LEVELS,
    PASSWORD,
    made_station,
    read_study,
)

TESTS = Path(__file__).resolve().parents[1] / "tests"
BAR_S = 0.5
GROWTH = 1.25  # of memory, from the end of the first minute to the largest of the last. Ours
SLICES, SIDE = 20, 128
READY_BEFORE = 100  # studies that are there when the readers come
L1 = LEVELS.index("L1")
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
PICTURE = re.compile(r'(?:href|data-later)="(/tasks/[^"]+\.png)"')


@dataclass
class Seen:
    """What the readers and scanners saw. times_s: by kind of page."""

    times_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    studies: int = 0
    memory_mib: list[dict[str, float]] = field(default_factory=list)


def main() -> int:
    """Start everything, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--scanners", type=int, default=4)
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between two clicks")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pacs = stack.enter_context(ScriptedPacs())
        settings = folder / "station.toml"
        port, dicom_port = free_port(), free_port()
        settings.write_text(
            f'folder = "{folder / "station"}"\nport = {port}\nmarks = "at_once"\n[dicom]\n'
            f'port = {dicom_port}\nquiet_s = 2.0\ndestination_host = "127.0.0.1"\n'
            f'destination_port = {pacs.port}\ndestination_ae_title = "PACS"\n',
            encoding="utf-8",
        )
        station = made_station(folder / "station", now, marks="at_once")
        names = people(station, given.readers)
        for number in range(READY_BEFORE):
            read_study(station, number)
        processes = {
            "pages and node": start(["-m", "spondyl", "serve", "--config", str(settings), "--workers", "0"]),
            "worker": start([str(TESTS / "chaos_worker.py"), str(settings)]),
        }
        stack.callback(end_all, list(processes.values()))
        address = f"http://127.0.0.1:{port}"
        wait_for(address)
        seen = run(given, address, dicom_port, names, processes)
        return int(tell(station, seen, given))


def now() -> datetime:
    """A real clock."""
    return datetime.now(UTC)  # noqa: TID251 - as it says


def people(station: Station, count: int) -> list[str]:
    """As many readers, with a password that costs little to check."""
    names = ["rita", "ben", *(f"reader{number}" for number in range(3, count + 1))][:count]
    with station.database.writing() as session:
        for name in names[2:]:
            account = accounts.create_account(session, now(), name=name, roles=[Role.READER], password=None)
            account.password_hash = CHEAP_HASH
    return names


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """One process of the station."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])}
    return subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )


def end_all(processes: list[subprocess.Popen[bytes]]) -> None:
    """End them."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=60)


def wait_for(address: str) -> None:
    """Until the pages are there."""
    end = time.monotonic() + 120.0
    while time.monotonic() < end:
        try:
            httpx2.get(f"{address}/ready", timeout=5.0).raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.3)
        else:
            return
    raise TimeoutError("the station did not start")


def run(
    given: argparse.Namespace,
    address: str,
    dicom_port: int,
    names: list[str],
    processes: dict[str, subprocess.Popen[bytes]],
) -> Seen:
    """Everybody at once for the given time."""
    seen, is_over = Seen(), threading.Event()
    threads = [
        *(threading.Thread(target=read, args=(address, name, seen, given.pause, is_over)) for name in names),
        *(
            threading.Thread(target=scan, args=(dicom_port, number, seen, is_over))
            for number in range(given.scanners)
        ),
        threading.Thread(target=watch_list, args=(address, seen, given.pause, is_over)),
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + given.seconds
    while time.monotonic() < end:
        seen.memory_mib.append({name: memory_mib(process.pid) for name, process in processes.items()})
        time.sleep(1.0)
    is_over.set()
    for thread in threads:
        thread.join(timeout=60.0)
    return seen


class Browser:
    """Somebody logged in, whose every page is timed."""

    def __init__(self, address: str, name: str, seen: Seen) -> None:
        self._client = httpx2.Client(base_url=address, timeout=60.0, follow_redirects=True)
        self._seen = seen
        token = CSRF.findall(self._client.get("/login").text)[0]
        answer = self._client.post("/login", data={"csrf_token": token, "name": name, "password": PASSWORD})
        if answer.url.path == "/login":
            seen.errors["log-in"] += 1

    def get(self, kind: str, path: str) -> str:
        """A page; empty where it failed."""
        return self._timed(kind, "GET", path)

    def post(self, kind: str, path: str, values: dict[str, str]) -> str:
        """A form sent, with the page that follows."""
        return self._timed(kind, "POST", path, values)

    def _timed(self, kind: str, method: str, path: str, values: dict[str, str] | None = None) -> str:
        begun = time.perf_counter()
        try:
            answer = self._client.request(method, path, data=values)
        except httpx2.HTTPError as error:
            self._seen.errors[f"{kind}: {type(error).__name__}"] += 1
            return ""
        self._seen.times_s[kind].append(time.perf_counter() - begun)
        if answer.status_code != 200:
            self._seen.errors[f"{kind}: {answer.status_code}"] += 1
            return ""
        return answer.text


def read(address: str, name: str, seen: Seen, pause_s: float, is_over: threading.Event) -> None:
    """A reader: the list, a case, its pictures, an answer, the next one."""
    chance = random.Random(name)  # noqa: S311 - no secret
    browser = Browser(address, name, seen)
    while not is_over.wait(chance.uniform(0.5, 1.5) * pause_s):
        page = browser.get("list of readings", "/reading")
        task = re.search(r'href="(/tasks/[0-9a-f]+)" data-key="Enter"', page)
        if task is None:
            continue
        is_over.wait(chance.uniform(0.5, 1.5) * pause_s)
        page = browser.get("reading page", task[1])
        for picture in PICTURE.findall(page)[:3]:
            browser.get("picture", picture)
        is_over.wait(chance.uniform(0.5, 1.5) * pause_s)
        token = CSRF.findall(page)
        if not token:
            continue
        grade = chance.choice(("2", "3"))
        values = {
            "csrf_token": token[-1], "seconds": "3", "case_decision": "rejected", "level_shift": "0",
            f"v{L1}_decision": "confirmed", f"v{L1}_grade": grade, f"v{L1}_shape": "wedge",
        }  # fmt: skip
        if browser.post("answer locked", task[1], values):
            seen.answers += 1


def watch_list(address: str, seen: Seen, pause_s: float, is_over: threading.Event) -> None:
    """The coordinator, who looks at the worklist and at the progress."""
    browser = Browser(address, "cora", seen)
    while not is_over.wait(pause_s):
        page = browser.get("worklist", "/studies")
        study = re.search(r'href="(/studies/[0-9a-f]{24})"', page)
        if study:
            browser.get("study page", study[1])
        browser.get("progress", "/progress")


def scan(port: int, scanner: int, seen: Seen, is_over: threading.Event) -> None:
    """A scanner that pushes a study every few seconds."""
    number = 10_000 * (scanner + 1)
    while not is_over.is_set():
        number += 1
        slices = [ct_object(number, one, side=SIDE) for one in range(SLICES)]
        entity = AE(ae_title=f"SCANNER{scanner}")
        entity.add_requested_context(slices[0].SOPClassUID)
        association = entity.associate("127.0.0.1", port)
        if not association.is_established:
            seen.errors["scanner: no association"] += 1
            is_over.wait(1.0)
            continue
        try:
            stored = [association.send_c_store(one).get("Status") for one in slices]
        except RuntimeError:
            seen.errors["scanner: association cut off"] += 1
            continue
        association.release()
        if set(stored) != {0}:
            seen.errors["scanner: not stored"] += 1
        seen.studies += 1
        is_over.wait(3.0)


def memory_mib(pid: int) -> float:
    """Resident memory of a process and its children."""
    total = 0
    for one in [pid, *children(pid)]:
        try:
            status = Path(f"/proc/{one}/status").read_text(encoding="ascii")
        except OSError:
            continue
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        total += int(found[1]) if found else 0
    return total / 1024.0


def children(pid: int) -> list[int]:
    """Its children."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def tell(station: Station, seen: Seen, given: argparse.Namespace) -> bool:
    """Print the table; tells whether a bar is missed."""
    with station.database.reading() as session:
        states = dict(Counter(session.scalars(select(Study.state))))
        kept = session.scalar(select(func.count(func.distinct(Answer.reading_id)))) or 0
    station.database.close()
    print(
        f"{given.readers} readers, {given.scanners} scanners, {given.seconds:.0f} s, {os.cpu_count()} cores"
    )
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")
    print(f"{'page':20} {'count':>7} {'median':>8} {'p95':>8} {'largest':>8}  ms")
    pages = [time_s for kind, times in seen.times_s.items() if kind != "picture" for time_s in times]
    for kind, times in [*sorted(seen.times_s.items()), ("all pages", pages)]:
        low, high = np.percentile(times, (50, 95))
        print(f"{kind:20} {len(times):7} {1000 * low:8.0f} {1000 * high:8.0f} {1000 * max(times):8.0f}")
    p95_s = float(np.percentile(pages, 95))
    is_bounded = True
    for name in seen.memory_mib[0]:
        series = [one[name] for one in seen.memory_mib]
        minute = min(60, len(series) // 2)
        early, late = max(series[:minute]), max(series[-minute:])
        is_bounded &= late <= GROWTH * early
        print(f"memory of {name}: {early:.0f} MiB in the first minute, {late:.0f} MiB in the last")
    print(f"studies sent {seen.studies}, in the station {states}; answers sent {seen.answers}, kept {kept}")
    print(f"errors: {dict(seen.errors) or 'none'}")
    print(f"p95 of the page times {1000 * p95_s:.0f} ms, bar {1000 * BAR_S:.0f} ms")
    return bool(seen.errors) or p95_s > BAR_S or not is_bounded


if __name__ == "__main__":
    sys.exit(main())
