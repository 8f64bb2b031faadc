"""What is left of 100 studies after 50 kills, a database restart, a full disk and a PACS that was away.

``python benchmarks/station_chaos.py`` (as root, for the small disk) prints a table and ends with 1 where a
study was lost or done twice, or an answer was lost. ``--database sqlite`` leaves the restart out: there is
no server. The pages with the DICOM node are the real ``spondyl serve``; the workers are its own but for the
networks: a reader that takes 0.2 s stands for the analysis, which is not the point here.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import httpx2
from pynetdicom import AE
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from chaos_worker import OBJECTS  # type: ignore[import-not-found]
from node_peers import ScriptedPacs, ct_object, free_port  # type: ignore[import-not-found]
from postgres_server import postgres, restart  # type: ignore[import-not-found]
from spondyl.adapters.station import accounts, audit
from spondyl.adapters.station.opened import Station
from spondyl.adapters.station.tables import Account, Answer, Message, Reading, Study
from spondyl.worklist.audit import first_fault
from spondyl.worklist.roles import Permission
from station_made import LEVELS, made_station  # type: ignore[import-not-found]

TESTS = Path(__file__).resolve().parents[1] / "tests"
DISK_MIB = 1024  # the node refuses objects below 512 MiB of free space
SLICES = 3
L1 = LEVELS.index("L1")
SETTLE_S = 400.0
PACE_S = 15.0
DISK_FULL_S, PACS_AWAY_S = 12.0, 20.0


@dataclass
class Outside:
    """What the world around the station saw."""

    pacs: ScriptedPacs
    messages: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)  # readings whose answer the station said it had
    refused: Counter[str] = field(default_factory=Counter)
    sent: int = 0


@dataclass
class Process:
    """One process of the station that is started anew whenever it died."""

    name: str
    command: list[str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(TESTS)])}
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(  # noqa: S603 - our own
                self.command, stdout=log, stderr=log, env=environment
            )

    def victims(self) -> list[int]:
        """The process and its children."""
        assert self.running is not None
        with suppress(OSError):
            path = Path(f"/proc/{self.running.pid}/task/{self.running.pid}/children")
            return [self.running.pid, *(int(one) for one in path.read_text().split())]
        return [self.running.pid]

    def revive(self) -> bool:
        """Start it again where it is dead; tells whether it was."""
        if self.running is None or self.running.poll() is None:
            return False
        self.start()
        return True


def main() -> int:
    """Build up, break, wait, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1, help="of the moments and the victims")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--logs", type=Path, help="folder that keeps the processes' logs")
    given = parser.parse_args()
    begun = time.monotonic()
    with ExitStack() as stack:
        url = stack.enter_context(postgres()) if given.database == "postgresql" else None
        folder = stack.enter_context(small_disk())
        outside = Outside(pacs=stack.enter_context(ScriptedPacs()))
        hook = stack.enter_context(webhook(outside))
        settings = write_settings(folder.parent, folder, url, outside.pacs.port, hook)
        station = made_station(folder, now, database=url, marks="at_once")
        stack.callback(station.database.close)
        keys = reader_keys(station)
        logs = given.logs or folder.parent
        logs.mkdir(parents=True, exist_ok=True)
        processes = [
            Process("pages and node", [sys.executable, "-m", "spondyl", "serve", "--config", str(settings),
                                       "--workers", "0"], logs / "pages.log"),
            *(Process(f"worker {n}", [sys.executable, str(TESTS / "chaos_worker.py"), str(settings)],
                      logs / f"worker{n}.log") for n in (1, 2)),
        ]  # fmt: skip
        stack.callback(end_all, processes)
        for process in processes:
            process.start()
        address, dicom_port = addresses(settings)
        is_over = threading.Event()
        people = [
            threading.Thread(target=read_on, args=(address, key, outside, is_over), daemon=True)
            for key in keys
        ]
        scanner = threading.Thread(target=send_all, args=(dicom_port, given.studies, outside), daemon=True)
        for thread in (*people, scanner):
            thread.start()
        while not outside.sent:
            time.sleep(0.2)
        killed = break_it(station, processes, outside, given, folder)
        scanner.join()
        is_whole = settled(station, processes, given.studies)
        is_over.set()
        for thread in people:
            thread.join(timeout=60.0)
        end_all(processes)
        wrong = tell(station, outside, given, killed, is_whole=is_whole)
        print(f"{'seconds in all':52} {time.monotonic() - begun:6.0f}")
    return int(wrong)


def now() -> datetime:
    """A real clock."""
    return datetime.now(UTC)  # noqa: TID251 - as it says


@contextmanager
def small_disk() -> Iterator[Path]:
    """The station's folder on a disk of its own that can be filled."""
    base = Path(tempfile.mkdtemp(prefix="spondyl-chaos-"))
    disk = base / "disk"
    disk.mkdir()
    mount, umount = (shutil.which(name) or name for name in ("mount", "umount"))
    subprocess.run([mount, "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "chaos", str(disk)], check=True)  # noqa: S603
    try:
        yield disk / "station"
    finally:
        subprocess.run([umount, "--lazy", str(disk)], check=False)  # noqa: S603
        shutil.rmtree(base, ignore_errors=True)


@contextmanager
def webhook(outside: Outside) -> Iterator[str]:
    """A receiver of notifications that counts them by their id."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            outside.messages[told["message_id"]] += 1
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def write_settings(base: Path, folder: Path, url: str | None, pacs_port: int, hook: str) -> Path:
    """One file for every process of the station."""
    path = base / "station.toml"
    database = "" if url is None else f'database = "{url}"\n'
    path.write_text(
        f'folder = "{folder}"\n{database}port = {free_port()}\nmarks = "at_once"\nworkers = 1\n'
        f'[[rules]]\nname = "all flags"\nchannel = "webhook"\ntarget = "{hook}"\n'
        f'[dicom]\nport = {free_port()}\nquiet_s = 1.0\ndestination_host = "127.0.0.1"\n'
        f'destination_port = {pacs_port}\ndestination_ae_title = "PACS"\n',
        encoding="utf-8",
    )
    return path


def addresses(settings: Path) -> tuple[str, int]:
    """Of the pages and of the node."""
    from spondyl.adapters.station.settings import load_station

    loaded = load_station(settings)
    assert loaded.dicom is not None
    return f"http://127.0.0.1:{loaded.port}", loaded.dicom.port


def reader_keys(station: Station) -> list[str]:
    """A key for each of the two readers."""
    with station.database.writing() as session:
        people = session.scalars(select(Account).where(Account.name.in_(("rita", "ben"))))
        return [accounts.create_key(session, now(), one, [Permission.READ], days=1) for one in people]


def send_all(port: int, count: int, outside: Outside) -> None:
    """A scanner: each study again and again until every slice was acknowledged in one association."""
    for number in range(1, count + 1):
        while not send_one(port, number):
            outside.refused["sending of a study"] += 1
            time.sleep(0.5)
        outside.sent += 1
        time.sleep(0.1)


def send_one(port: int, number: int) -> bool:
    """Send one study; tells whether all of it was taken."""
    entity = AE(ae_title="SCANNER")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = 10
    slices = [ct_object(number, one) for one in range(SLICES)]
    entity.add_requested_context(slices[0].SOPClassUID)
    association = entity.associate("127.0.0.1", port)
    if not association.is_established:
        return False
    try:
        return all(getattr(association.send_c_store(one), "Status", None) == 0 for one in slices)
    except (RuntimeError, ValueError):
        return False
    finally:
        association.release()


def read_on(address: str, key: str, outside: Outside, is_over: threading.Event) -> None:
    """A reader who answers whatever waits, and asks again where the station does not answer."""
    answer = {
        "answer": {"vertebrae": [{"vertebra": L1, "decision": "confirmed", "grade": 3, "shape": "wedge"}]}
    }
    with httpx2.Client(
        base_url=f"{address}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=20.0
    ) as client:
        while not is_over.is_set():
            try:
                tasks: list[dict[str, Any]] = client.get("/tasks").raise_for_status().json()
                for task in tasks:
                    client.get(f"/tasks/{task['task_id']}").raise_for_status()
                    client.post(f"/tasks/{task['task_id']}/answer", json=answer).raise_for_status()
                    outside.acknowledged.add(task["task_id"])
            except httpx2.HTTPError as error:
                outside.refused[f"request of a reader ({type(error).__name__})"] += 1
            time.sleep(0.3)


def break_it(
    station: Station, processes: list[Process], outside: Outside, given: argparse.Namespace, folder: Path
) -> Counter[str]:
    """Kill at random moments; at a quarter of the way each of the other misfortunes."""
    chance = random.Random(given.seed)  # noqa: S311 - no secret
    killed: Counter[str] = Counter()
    events: dict[int, tuple[str, Callable[[], None]]] = {
        given.kills // 4: ("database restarted", lambda: restart_database(station)),
        given.kills // 2: ("disk full", lambda: fill_disk(folder, processes)),
        3 * given.kills // 4: ("PACS away", lambda: take_pacs_away(outside.pacs)),
    }
    if station.database.is_sqlite:
        del events[given.kills // 4]
    for number in range(given.kills):
        if number in events:
            name, happen = events[number]
            print(f"{name}, after {number} kills and {outside.sent} studies sent", flush=True)
            happen()
        begun = time.monotonic()
        # spread over the whole work: on a slow machine all would fall into the starts of processes
        while ended(station) * given.kills < number * given.studies and time.monotonic() < begun + PACE_S:
            wait_reviving(processes, 0.2)
        time.sleep(chance.uniform(0.3, 3.0))
        for process in processes:
            process.revive()
        process = chance.choice(processes)
        victims = process.victims()
        place = chance.randrange(len(victims))
        with suppress(ProcessLookupError):
            os.kill(victims[place], signal.SIGKILL)
        killed[process.name.split(" ")[0] if place == 0 else "analysis"] += 1
        if place == 0 and process.running is not None:
            process.running.wait()
        process.revive()
    return killed


def restart_database(station: Station) -> None:
    """As a power cut would, and again up."""
    with station.database.reading() as session:
        data = session.execute(text("SHOW data_directory")).scalar_one()
    restart(Path(data))


def fill_disk(folder: Path, processes: list[Process]) -> None:
    """Not a byte is left for a while."""
    ballast = folder.parent / "ballast"
    with suppress(OSError), ballast.open("wb") as out:
        while True:
            out.write(bytes(2**20))
            out.flush()
    wait_reviving(processes, DISK_FULL_S)
    ballast.unlink()


def take_pacs_away(pacs: ScriptedPacs) -> None:
    """For a while; kills go on meanwhile."""
    port = pacs.port
    pacs.stop()
    threading.Timer(PACS_AWAY_S, lambda: pacs.start(port)).start()


def wait_reviving(processes: list[Process], seconds: float) -> None:
    """Wait, and start what died by itself, as systemd would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.2)
        for process in processes:
            process.revive()


def settled(station: Station, processes: list[Process], count: int) -> bool:
    """Wait until every study is at its end and every first reading is answered."""
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        wait_reviving(processes, 1.0)
        with station.database.reading() as session:
            open_tasks = session.scalar(
                select(func.count())
                .select_from(Reading)
                .where(Reading.kind == "reading", Reading.is_done.is_(False), Reading.time == 1)
            )
        if ended(station) == count and not open_tasks:
            return True
    return False


def ended(station: Station) -> int:
    """How many studies are at their end."""
    try:
        with station.database.reading() as session:
            return session.scalar(select(func.count()).where(Study.state == "notified")) or 0
    except OperationalError:  # the database is being restarted
        return 0


def end_all(processes: list[Process]) -> None:
    """Kill what is left."""
    for process in processes:
        if process.running is not None and process.running.poll() is None:
            process.running.kill()
            process.running.wait()


def orphans() -> int:
    """Processes of a killed worker that live on."""
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            parent = path.with_name("stat").read_text().rsplit(")", 1)[1].split()[1]
            is_ours = (
                b"multiprocessing" in path.read_bytes()
                and b"chaos_worker" in path.with_name("environ").read_bytes()
            )
            found += parent == "1" and is_ours
    return found


def tell(
    station: Station, outside: Outside, given: argparse.Namespace, killed: Counter[str], *, is_whole: bool
) -> bool:
    """Print the table; tells whether anything is wrong."""
    by_process = ", ".join(f"{count} {name}" for name, count in sorted(killed.items()))
    left = orphans()
    rows: list[tuple[str, object, bool]] = [
        ("kills", f"{sum(killed.values())} ({by_process})", True),
        ("studies sent and acknowledged", outside.sent, outside.sent == given.studies),
        *of_studies(station, outside, given.studies),
        *of_answers(station, outside, given.studies),
        ("processes of killed workers that live on", left, left == 0),
    ]
    print(f"\n{'what':52} how many")
    for name, value, is_right in rows:
        print(f"{name:52} {value}{'' if is_right else '   WRONG'}")
    for name, count in outside.refused.most_common():
        print(f"{'tried again: ' + name:52} {count}")
    return not is_whole or not all(is_right for _, _, is_right in rows)


def of_studies(station: Station, outside: Outside, wanted: int) -> list[tuple[str, object, bool]]:
    """What became of the studies: here, at the PACS, and at the receiver of messages."""
    with station.database.reading() as session:
        states = Counter(session.scalars(select(Study.state)))
        analyses = Counter(session.scalars(select(Study.analysis)))
        planned = set(session.scalars(select(Message.message_id)))
    at_pacs = Counter(study for study, _ in outside.pacs.stored.values())
    one_set = sum(count == len(OBJECTS) for count in at_pacs.values())
    told = outside.messages
    return [
        ("studies in the station by state", dict(states), states == {"notified": wanted}),
        ("how often a study was analysed, and kept", dict(analyses), True),
        ("studies with exactly one set of results at PACS", one_set, one_set == wanted == len(at_pacs)),
        ("messages planned, received (by id)", f"{len(planned)}, {len(told)}", planned == set(told)),
        ("of them received again, with the same id", sum(n > 1 for n in told.values()), True),
    ]


def of_answers(station: Station, outside: Outside, studies: int) -> list[tuple[str, object, bool]]:
    """What became of the answers, and of the audit."""
    with station.database.reading() as session:
        kept = Counter(session.scalars(select(Answer.reading_id).where(Answer.kind == "reading")))
        entries = sum(1 for _ in audit.chain(session))
        fault = first_fault(audit.chain(session))
    per_answer = Counter(kept.values())
    lost = outside.acknowledged - set(kept)
    return [
        ("answers that the station said it had", len(outside.acknowledged), True),
        ("of them lost", len(lost), not lost),
        ("answers kept, two readers a study", len(kept), len(kept) == 2 * studies),
        ("records per answer: how many answers", dict(per_answer), len(per_answer) == 1),
        ("audit chain", f"{entries} entries, {'holds' if fault is None else fault.text}", fault is None),
    ]


if __name__ == "__main__":
    sys.exit(main())
