"""A study's whole way with real peers: storescu to us, analysis, Orthanc by C-STORE and by STOW, and back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import UID, CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from typer.testing import CliRunner, Result

from node_peers import SC, fake_analysis, free_port, uid, wait_until, write_study
from orthanc_peer import Orthanc, require_program
from spondyl.adapters.delivery import Patience, Record, deliver, find_outgoing
from spondyl.adapters.dicom_node import (
    Check,
    DimseChannel,
    Inbox,
    Level,
    Peer,
    QuietSettings,
    QuietTimer,
    Receiver,
    ReceiveSettings,
    SendSettings,
    get,
    hashed,
    move,
    new_entity,
    search,
)
from spondyl.adapters.dicomweb import DicomwebChannel
from spondyl.adapters.dicomweb import Settings as WebSettings
from spondyl.adapters.dicomweb import get as web_get
from spondyl.adapters.dicomweb import search as web_search
from spondyl.adapters.route import Route, Settings, StudyState
from spondyl.cli import app

# pynetdicom leaves the closing of a refused connection's socket to the collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
PATIENCE = Patience(attempts=2, first_wait_s=0.1)


def peer_of(orthanc: Orthanc) -> Peer:
    return Peer(ae_title="ORTHANC", host="127.0.0.1", port=orthanc.dicom_port)


def spondyl(*arguments: object) -> Result:
    # in this process, which is in the private network
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["C-STORE", "STOW"])
def test_a_study_from_storescu_ends_as_results_in_orthanc_that_come_back_equal(
    orthanc: Orthanc, tmp_path: Path, way: str
) -> None:
    study = {"C-STORE": 11, "STOW": 12}[way]
    channel = (
        DimseChannel(peer=peer_of(orthanc), settings=SendSettings())
        if way == "C-STORE"
        else DicomwebChannel(url=orthanc.web, settings=WebSettings())
    )
    write_study(tmp_path / "ct", study, 5)
    inbox = Inbox(tmp_path / "work").open()
    timer = QuietTimer(QuietSettings(quiet_s=0.3, patience_s=2.0), time.monotonic)
    route = Route(
        inbox, timer, fake_analysis, {"pacs": channel}, Settings(), clock=time.monotonic, tell=lambda _: None
    )
    listen = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=0))
    with Receiver(settings=listen, inbox=inbox, timer=timer, tell=lambda _: None) as receiver:
        subprocess.run(
            [require_program("storescu"), "+sd", "127.0.0.1", str(receiver.port), str(tmp_path / "ct")],
            check=True, timeout=60,
        )  # fmt: skip
        key = hashed(uid(study))
        wait_until(lambda: bool(route.step()) or route.states()[key].state is StudyState.DELIVERED, 60)
        wait_until(lambda: not route.step() and route.is_idle, 60)
    inbox.close()
    assert inbox.content(key)[1] == 5
    sent = {str(dcmread(x).SOPInstanceUID): dcmread(x) for x in (tmp_path / "work").rglob("results/*/*.dcm")}
    assert len(sent) == 3
    fetched_into = tmp_path / "fetched"
    if way == "C-STORE":
        entity = new_entity("SPONDYL", 30)
        matches = search(entity, peer_of(orthanc), None, Level.SERIES, {"StudyInstanceUID": uid(study)})
        assert [match["NumberOfSeriesRelatedInstances"] for match in matches] == ["3"]
        fetched = get(
            new_entity("SPONDYL", 30), peer_of(orthanc), None, {"StudyInstanceUID": uid(study)}, fetched_into
        )
        assert (fetched.written, fetched.failed) == (3, 0)
    else:
        web = WebSettings()
        found = web_search(orthanc.web, web, "IMAGE", {"StudyInstanceUID": uid(study)}, ["SOPInstanceUID"])
        assert {match["SOPInstanceUID"] for match in found} == set(sent)
        assert web_get(orthanc.web, web, {"StudyInstanceUID": uid(study)}, fetched_into) == 3
    for path in fetched_into.iterdir():
        back = dcmread(path)
        assert back == sent[str(back.SOPInstanceUID)]


@pytest.mark.slow
def test_orthanc_forwards_a_ct_as_our_page_says_and_gets_its_results_once(
    forwarding_orthanc: Orthanc, tmp_path: Path
) -> None:
    orthanc = forwarding_orthanc
    write_study(tmp_path / "ct", 71, 5)
    inbox = Inbox(tmp_path / "work").open()
    timer = QuietTimer(QuietSettings(quiet_s=0.3, patience_s=2.0), time.monotonic)
    channel = DimseChannel(peer=peer_of(orthanc), settings=SendSettings())
    route = Route(
        inbox, timer, _pictures, {"pacs": channel}, Settings(), clock=time.monotonic, tell=lambda _: None
    )
    listen = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=orthanc.our_port))
    with Receiver(settings=listen, inbox=inbox, timer=timer, tell=lambda _: None) as receiver:
        command = [require_program("storescu"), "+sd", "127.0.0.1", str(orthanc.dicom_port),
                   str(tmp_path / "ct")]  # fmt: skip
        subprocess.run(command, check=True, timeout=60)
        wait_until(lambda: receiver.counts.stored == 5, 15)
        wait_until(lambda: not route.step() and bool(_states(tmp_path / "work", StudyState.DELIVERED)), 60)
        end_s = time.monotonic() + 5  # the results are stable after two seconds
        wait_until(lambda: not route.step() and time.monotonic() > end_s, 30)
        assert (receiver.counts.stored, receiver.counts.repeated) == (5, 0)
    inbox.close()
    assert len(orthanc.classes()) == 5 + 2
    assert len(list((tmp_path / "work").glob("studies/*/results/*"))) == 1


def _pictures(study: Path, results: Path) -> None:
    """The fake analysis without its CT."""
    fake_analysis(study, results)
    for path in results.iterdir():
        data = dcmread(path)
        if data.SOPClassUID == CTImageStorage:
            path.unlink()
        else:
            data.Modality = "OT"
            data.save_as(path, enforce_file_format=True)


def test_orthanc_answers_for_the_objects_by_storage_commitment(orthanc: Orthanc, tmp_path: Path) -> None:
    write_study(tmp_path / "ct", 21, 3)
    files, _ = find_outgoing(tmp_path / "ct")
    settings = SendSettings(
        check=Check.COMMITMENT,
        commitment_listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=orthanc.our_port),
    )
    channel = DimseChannel(peer=peer_of(orthanc), settings=settings)
    summary = deliver(files, channel, Record(), PATIENCE, time.sleep)
    assert (summary.verified, summary.pending, summary.refused) == (3, 0, 0)
    never_sent, _ = find_outgoing(write_study(tmp_path / "other", 22, 1)[0])
    assert channel.present(never_sent) == frozenset()


def test_orthanc_moves_a_study_to_our_listener(orthanc: Orthanc, tmp_path: Path) -> None:
    write_study(tmp_path / "ct", 31, 4)
    files, _ = find_outgoing(tmp_path / "ct")
    channel = DimseChannel(peer=peer_of(orthanc), settings=SendSettings())
    assert deliver(files, channel, Record(), PATIENCE, time.sleep).verified == 4
    inbox = Inbox(tmp_path / "in").open()
    timer = QuietTimer(QuietSettings(), time.monotonic)
    listen = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=orthanc.our_port))
    with Receiver(settings=listen, inbox=inbox, timer=timer, tell=lambda _: None):
        moved = move(
            new_entity("SPONDYL", 30), peer_of(orthanc), None, {"StudyInstanceUID": uid(31)}, "SPONDYL"
        )
    inbox.close()
    assert (moved.completed, moved.failed) == (4, 0)
    assert inbox.content(hashed(uid(31)))[1] == 4


@pytest.mark.slow
def test_the_commands_echo_send_find_and_get_work_with_orthanc(orthanc: Orthanc, tmp_path: Path) -> None:
    write_study(tmp_path / "ct", 41, 2)
    pacs = f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    assert spondyl("pacs", "echo", pacs).stdout == f"{pacs} answers\n"
    sent = spondyl("send", tmp_path / "ct", "--to", pacs, "--record", tmp_path / "record")
    assert sent.exit_code == 0
    assert sent.stdout.startswith("2 of 2 objects are at ORTHANC@")
    for target in (pacs, orthanc.web):
        found = spondyl("pacs", "find", target, "--level", "series", "--study", uid(41))
        assert [json.loads(line)["SeriesInstanceUID"] for line in found.stdout.splitlines()] == [uid(41, 1)]
        into = tmp_path / f"got{target.startswith('http')}"
        got = spondyl("pacs", "get", target, "--study", uid(41), "--into", into)
        assert (got.exit_code, len(list(into.glob("*.dcm")))) == (0, 2)


def test_storescp_takes_our_objects_and_dsrdump_names_what_is_no_report(
    private: None, tmp_path: Path
) -> None:
    storescp, dsrdump = require_program("storescp"), require_program("dsrdump")
    port = free_port()
    (tmp_path / "out").mkdir()
    process = subprocess.Popen(
        [storescp, "-od", str(tmp_path / "out"), str(port)], env={**os.environ, "TCP_NODELAY": "1"}
    )
    try:
        [_, second] = write_study(tmp_path / "ct", 51, 2)
        deflated = dcmread(second)  # of which storescp takes no more than the inflated form
        deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        deflated.save_as(second, enforce_file_format=True)
        files, _ = find_outgoing(second.parent)
        channel = DimseChannel(
            peer=Peer(ae_title="ANY", host="127.0.0.1", port=port), settings=SendSettings(check=Check.NONE)
        )
        summary = deliver(files, channel, Record(), Patience(attempts=10, first_wait_s=0.1), time.sleep)
    finally:
        process.terminate()
        process.wait(10)
    assert summary.verified == 2
    [first, other] = sorted((tmp_path / "out").iterdir())
    assert dcmread(first).StudyInstanceUID == uid(51)
    assert [dcmread(other), dcmread(other).file_meta.TransferSyntaxUID] == [deflated, ExplicitVRLittleEndian]
    assert subprocess.run([dsrdump, str(first)], capture_output=True, check=False).returncode != 0


def test_a_class_that_orthanc_refuses_does_not_hold_up_the_others(orthanc: Orthanc, tmp_path: Path) -> None:
    label_map = "1.2.840.10008.5.1.4.1.1.66.7"  # Debian's Orthanc 1.10 does not know it
    for number, path in enumerate(write_study(tmp_path, 61, 3)):
        data = dcmread(path)
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID((SC, label_map, SC)[number])
        data.save_as(path, enforce_file_format=True)
    files, _ = find_outgoing(tmp_path)
    channel = DimseChannel(peer=peer_of(orthanc), settings=SendSettings())
    summary = deliver(files, channel, Record(), PATIENCE, time.sleep)
    assert (summary.verified, summary.refused, summary.pending) == (2, 1, 0)
    assert "no presentation context" in summary.reasons[0]


KINDS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation",
    "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection",
    SC: "Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
}


@contextmanager
def routing(
    work: Path, *arguments: str, largest_plain_mb: float
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`spondyl route` as a process, and the port that it listens on."""
    port = free_port()
    # a low limit: the healthy CT must give key images and a tile too, whatever the networks think of it
    (work.parent / "settings.toml").write_text(
        f"[dicom]\npresentation_states = true\nlargest_plain_segmentation_mb = {largest_plain_mb}\n"
        "[stages.report]\ntile_probability = 0.001\n"
    )
    command = [sys.executable, "-m", "spondyl", "route", "--listen", f"SPONDYL@127.0.0.1:{port}", "--work",
               str(work), "--settings", str(work.parent / "settings.toml"), "--quiet-s", "1", "--patience-s",
               "3", "--reserve-mb", "0", "--threads", "1", *arguments]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), 60)
        yield process, port
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _states(work: Path, wanted: StudyState) -> list[dict[str, object]]:
    """What is written of the studies in that state."""
    states = [json.loads(path.read_text()) for path in (work / "studies").glob("*/state.json")]
    assert not [state for state in states if state["state"] == StudyState.FAILED], states
    return [state for state in states if state["state"] == wanted]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("way", "is_treated"),
    [("C-STORE", False), ("STOW", False), ("C-STORE", True)],
    ids=["C-STORE", "STOW and killed while it analyses", "de-identified"],
)
def test_a_real_ct_from_storescu_by_route_ends_in_orthanc_as_every_kind_of_object(
    orthanc: Orthanc, tmp_path: Path, real_data: Path, way: str, is_treated: bool
) -> None:
    orthanc.forget()
    (tmp_path / "key").write_text("0123456789abcdef")
    target = orthanc.web if way == "STOW" else f"ORTHANC@127.0.0.1:{orthanc.dicom_port}"
    more = ["--deidentify", str(tmp_path / "key")] if is_treated else []
    largest_plain_mb = 4.0 if way == "STOW" else 0.0  # the others with deflated segmentations
    start = partial(routing, tmp_path / "work", "--to", target, *more, largest_plain_mb=largest_plain_mb)
    with start() as (process, port):
        ct = str(real_data / "dicom" / "crlm_1006")
        subprocess.run(
            [require_program("storescu"), "+sd", "127.0.0.1", str(port), ct], check=True, timeout=120
        )
        if way == "STOW":
            wait_until(lambda: bool(_states(tmp_path / "work", StudyState.COMPLETE)), 60)
            time.sleep(2)  # an analysis takes several seconds
            process.kill()
            process.wait(20)
            assert orthanc.classes() == {}
        else:
            wait_until(lambda: bool(_states(tmp_path / "work", StudyState.DELIVERED)), 300)
    if way == "STOW":
        with start():
            wait_until(lambda: bool(_states(tmp_path / "work", StudyState.DELIVERED)), 300)
    [state] = _states(tmp_path / "work", StudyState.DELIVERED)
    assert state["n_objects"] == 51
    made = {
        str(data.SOPInstanceUID): data for data in map(dcmread, (tmp_path / "work").rglob("results/*/*.dcm"))
    }
    [segmentation] = [data for data in made.values() if data.Modality == "SEG"]
    assert segmentation.file_meta.TransferSyntaxUID.is_deflated == (largest_plain_mb == 0)
    assert orthanc.classes() == {uid: str(data.SOPClassUID) for uid, data in made.items()}
    assert {KINDS.get(sop_class) for sop_class in orthanc.classes().values()} == set(KINDS.values())

    [study] = {str(data.StudyInstanceUID) for data in made.values()}
    back = _found_and_fetched(orthanc, way, study, set(made), tmp_path / "got")
    assert {uid: data for uid, (data, _) in back.items()} == made
    [report] = [path for data, path in back.values() if data.Modality == "SR"]
    _check_report(report, tmp_path / "work")


def _found_and_fetched(
    orthanc: Orthanc, way: str, study: str, wanted: set[str], into: Path
) -> dict[str, tuple[FileDataset, Path]]:
    """The study's objects by C-FIND and C-GET or by QIDO and WADO, after a look that all are found."""
    web, uids = WebSettings(), {"StudyInstanceUID": study}
    if way == "STOW":
        found = web_search(orthanc.web, web, "IMAGE", uids, ["SOPInstanceUID"])
        assert web_get(orthanc.web, web, uids, into) == len(wanted)
        _answers_what_a_web_viewer_asks(orthanc, study)
    else:
        series = search(new_entity("SPONDYL", 30), peer_of(orthanc), None, Level.SERIES, uids)
        found = [
            match
            for one in series
            for match in search(
                new_entity("SPONDYL", 30), peer_of(orthanc), None, Level.IMAGE,
                {**uids, "SeriesInstanceUID": one["SeriesInstanceUID"]},
            )
        ]  # fmt: skip
        fetched = get(new_entity("SPONDYL", 30), peer_of(orthanc), None, uids, into)
        assert (fetched.written, fetched.failed) == (len(wanted), 0)
    assert {match["SOPInstanceUID"] for match in found} == wanted
    return {str(data.SOPInstanceUID): (data, path) for path in into.iterdir() for data in [dcmread(path)]}


def _answers_what_a_web_viewer_asks(orthanc: Orthanc, study: str) -> None:
    """The questions by which OHIF and Weasis open a study: its series, and the metadata of each."""
    tag = {"modality": "00080060", "series": "0020000E", "number": "00280008"}
    [found] = orthanc.ask(f"/dicom-web/studies?StudyInstanceUID={study}&includefield=00080061")
    assert set(found["00080061"]["Value"]) == {"SEG", "SR", "KO", "OT", "PR"}
    for series in orthanc.ask(f"/dicom-web/studies/{study}/series"):
        [modality], [uid] = (series[tag[key]]["Value"] for key in ("modality", "series"))
        metadata = orthanc.ask(f"/dicom-web/studies/{study}/series/{uid}/metadata")
        assert {item[tag["modality"]]["Value"][0] for item in metadata} == {modality}
        if modality == "SEG":
            assert all(item[tag["number"]]["Value"][0] > 0 for item in metadata)


def _check_report(report: Path, work: Path) -> None:
    """DCMTK prints the report; read back, it gives the finding that was written."""
    command = [require_program("dsrdump"), "+Pl", str(report)]  # long texts too
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for said in ("Imaging Measurement Report", "T12 vertebra", "Anterior vertebral body height"):
        assert f'"{said}"' in dump
    assert "Not a medical device, not for diagnosis." in dump
    read = spondyl("read-result", report)
    assert read.exit_code == 0
    finding = json.loads(read.stdout)
    assert finding["schema"] == "spondyl.finding/1"
    assert {"T12", "L1", "L2"} <= {vertebra["level"] for vertebra in finding["vertebrae"]}
    [written] = [path for path in work.rglob("results/*/*.dcm") if dcmread(path).Modality == "SR"]
    assert read.stdout == spondyl("read-result", written).stdout
