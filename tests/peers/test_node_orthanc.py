"""A study's whole way with real peers: storescu to us, analysis, Orthanc by C-STORE and by STOW, and back."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID
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
from spondyl.cli.analyze import load_settings
from spondyl.cli.node_options import deidentifier_of
from spondyl.cli.route import analyser

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
        files, _ = find_outgoing(write_study(tmp_path / "ct", 51, 2)[0].parent)
        channel = DimseChannel(
            peer=Peer(ae_title="ANY", host="127.0.0.1", port=port), settings=SendSettings(check=Check.NONE)
        )
        summary = deliver(files, channel, Record(), Patience(attempts=10, first_wait_s=0.1), time.sleep)
    finally:
        process.terminate()
        process.wait(10)
    assert summary.verified == 2
    [first, _] = sorted((tmp_path / "out").iterdir())
    assert dcmread(first).StudyInstanceUID == uid(51)
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


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("is_treated", [False, True], ids=["as it is", "de-identified"])
def test_the_results_of_a_real_ct_are_kept_by_orthanc_and_read_back_equal(
    orthanc: Orthanc, tmp_path: Path, real_data: Path, is_treated: bool
) -> None:
    key = tmp_path / "key"
    key.write_text("0123456789abcdef")
    inbox = Inbox(tmp_path / "work").open()
    timer = QuietTimer(QuietSettings(quiet_s=0.5, patience_s=2.0), time.monotonic)
    channel = DimseChannel(peer=peer_of(orthanc), settings=SendSettings())
    analyse = analyser(load_settings(None, None, 1), deidentifier_of(key if is_treated else None))
    route = Route(
        inbox, timer, analyse, {"pacs": channel}, Settings(), clock=time.monotonic, tell=lambda _: None
    )
    listen = ReceiveSettings(listen=Peer(ae_title="SPONDYL", host="127.0.0.1", port=0))
    with Receiver(settings=listen, inbox=inbox, timer=timer, tell=lambda _: None) as receiver:
        folder = real_data / "dicom" / "crlm_1006"
        command = [require_program("storescu"), "+sd", "127.0.0.1", str(receiver.port), str(folder)]
        subprocess.run(command, check=True, timeout=120)
        wait_until(lambda: not route.step() and route.is_idle, 300)
    inbox.close()
    [record] = route.states().values()
    assert (record.state, record.n_objects) == (StudyState.DELIVERED, 51)
    made = {x.name: dcmread(x) for x in (tmp_path / "work").rglob("results/*/*.dcm")}
    [study] = {str(data.StudyInstanceUID) for data in made.values()}
    fetched = get(
        new_entity("SPONDYL", 30), peer_of(orthanc), None, {"StudyInstanceUID": study}, tmp_path / "got"
    )
    assert (fetched.written, fetched.failed) == (len(made), 0)
    back = {
        str(data.SOPInstanceUID): (data, path)
        for path in (tmp_path / "got").iterdir()
        for data in [dcmread(path)]
    }
    assert all(back[str(data.SOPInstanceUID)][0] == data for data in made.values())
    assert {data.Modality for data, _ in back.values()} >= {"SR"}
    [report] = [path for data, path in back.values() if data.Modality == "SR"]
    dump = subprocess.run(
        [require_program("dsrdump"), str(report)], capture_output=True, text=True, check=True
    )
    assert "Imaging Measurement Report" in dump.stdout
    if not is_treated:
        read = spondyl("read-result", report)
        assert read.exit_code == 0
        assert json.loads(read.stdout)["schema"] == "spondyl.finding/1"
