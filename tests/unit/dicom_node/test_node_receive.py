"""Receiving: bytes as they came, studies kept apart, every refusal with its status and without a name."""

from __future__ import annotations

import errno
import io
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from node_peers import ct_object, uid, wait_until, write_study
from node_started import Node, StartNode
from spondyl.adapters.delivery import Outcome, Outgoing, Record, Summary, deliver_once, find_outgoing
from spondyl.adapters.dicom_node import Check, Inbox, InboxError, NoAssociationError, echo, hashed, new_entity

# pynetdicom leaves the closing of a failed connection's socket to the collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
MakeSender = Callable[..., "RawSender"]


def send(node: Node, folder: Path, **settings: Any) -> tuple[Summary, Record, list[Outgoing]]:
    files, _ = find_outgoing(folder)
    record = Record()
    return deliver_once(files, node.channel(check=Check.NONE, **settings), record), record, files


def all_complete(node: Node, n_studies: int) -> list[str]:
    """The studies that the timer gives, once there are as many."""
    complete: list[str] = []

    def are_there() -> bool:
        complete.extend(node.timer.take_quiet())
        return len(complete) >= n_studies

    wait_until(are_there)
    return complete


def data_set_bytes(path: Path) -> bytes:
    content = path.read_bytes()
    length = struct.unpack("<L", content[140:144])[0]
    return content[144 + length :]


def test_the_bytes_of_each_object_are_kept_as_they_were_sent(node: Node, tmp_path: Path) -> None:
    sent = write_study(tmp_path / "study", 7, 3)
    summary, *_ = send(node, tmp_path / "study")
    assert summary.verified == 3
    for path in sent:
        name = hashed(str(dcmread(path).SOPInstanceUID))
        kept = node.inbox.objects_folder(hashed(uid(7))) / f"{name}.dcm"
        assert data_set_bytes(kept) == data_set_bytes(path)
        assert dcmread(kept).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_a_study_is_complete_once_when_it_is_quiet(node: Node, tmp_path: Path) -> None:
    write_study(tmp_path / "study", 7, 2)
    send(node, tmp_path / "study")
    assert all_complete(node, 1) == [hashed(uid(7))]
    assert node.timer.take_quiet() == []


def test_an_object_sent_twice_is_there_once_and_the_first_stays(node: Node, tmp_path: Path) -> None:
    write_study(tmp_path / "study", 7, 1)
    send(node, tmp_path / "study")
    other = ct_object(7, 0)
    other.PixelData = b"\1\0" * 64
    other.save_as(tmp_path / "study" / "0007-0000.dcm", enforce_file_format=True)
    summary, *_ = send(node, tmp_path / "study")
    assert summary.verified == 1
    [kept] = node.inbox.objects_folder(hashed(uid(7))).iterdir()
    assert dcmread(kept).PixelData == b"\0\0" * 64
    assert (node.receiver.counts.stored, node.receiver.counts.repeated) == (1, 1)


def test_a_full_disk_is_answered_with_out_of_resources_and_leaves_no_half_file(
    start_node: StartNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start_node()
    write_study(tmp_path / "study", 7, 1)

    def full(self: Inbox, path: Path, content: object) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Inbox, "_write", full)
    summary, record, files = send(node, tmp_path / "study")
    assert summary.reasons == ("status A700",)
    assert record[files[0].sop_instance_uid].outcome is Outcome.UNSENT  # tried again later
    assert not [x for x in node.inbox.folder.rglob("*") if x.is_file() and x.name != "lock"]
    assert [told.code for told in node.told] == ["NO_ROOM"]


def test_the_reserve_of_the_disk_is_kept(start_node: StartNode, tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    node = start_node(least_free_bytes=2 * free)
    write_study(tmp_path / "study", 7, 1)
    summary, *_ = send(node, tmp_path / "study")
    assert summary.reasons == ("status A700",)


def test_only_known_titles_may_call(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node(known_ae_titles=("SCANNER",))
    write_study(tmp_path / "study", 7, 1)
    summary, *_ = send(node, tmp_path / "study", calling_ae_title="STRANGER")
    assert summary.pending == 1
    assert "rejects the association" in summary.reasons[0]
    wait_until(lambda: [told.code for told in node.told] == ["REJECTED"])
    assert send(node, tmp_path / "study", calling_ae_title="SCANNER")[0].verified == 1


def test_an_echo_is_answered_and_nobody_there_is_said(node: Node) -> None:
    peer = node.peer
    echo(new_entity("TEST", 5), peer, None)
    node.receiver.__exit__()
    with pytest.raises(NoAssociationError, match="nothing listens there"):
        echo(new_entity("TEST", 5), peer, None)


def test_two_processes_cannot_share_a_folder(node: Node) -> None:
    with pytest.raises(InboxError, match="another process works in this folder"):
        Inbox(node.inbox.folder).open()


def test_what_an_earlier_end_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "partial").mkdir(parents=True)
    (tmp_path / "partial" / "3").write_bytes(b"half")
    inbox = Inbox(tmp_path).open()
    assert list((tmp_path / "partial").iterdir()) == []
    inbox.close()


class RawSender:
    """Sends any bytes as a data set, over one association for as long as it stands."""

    def __init__(self, port: int, syntax: str = ExplicitVRLittleEndian) -> None:
        self._port = port
        self._entity = AE(ae_title="BAD")
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = 5
        self._entity.add_requested_context(CTImageStorage, syntax)
        self._association: Association | None = None

    def __call__(self, data: bytes, instance: str) -> int | None:
        """The status, or None where no answer came."""
        if self._association is None or not self._association.is_established:
            self._association = self._entity.associate("127.0.0.1", self._port)
            assert self._association.is_established
        association = self._association
        request = C_STORE()
        request.MessageID, request.Priority = 1, 2
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = CTImageStorage, instance
        request.DataSet = io.BytesIO(data)
        association._reactor_checkpoint.clear()
        wait_until(lambda: association._is_paused, 5)
        context_id = association.accepted_contexts[0].context_id
        assert context_id is not None
        association.dimse.send_msg(request, context_id)
        _, answer = association.dimse.get_msg(block=True)
        association._reactor_checkpoint.set()
        return None if answer is None else answer.Status

    def close(self) -> None:
        if self._association is not None and self._association.is_established:
            self._association.abort()


@pytest.fixture
def raw_sender(node: Node) -> Iterator[MakeSender]:
    senders: list[RawSender] = []

    def make(syntax: str = ExplicitVRLittleEndian) -> RawSender:
        senders.append(RawSender(node.receiver.port, syntax))
        return senders[-1]

    yield make
    for sender in senders:
        sender.close()


def encoded(data: FileDataset) -> bytes:
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    content = buffer.getvalue()
    return content[144 + struct.unpack("<L", content[140:144])[0] :]


BAD_OBJECTS = {
    "two bytes": (b"\0\0", 0xC000),
    "no DICOM": (b"hello world, this is no data set at all", 0xC000),
    "cut off": (encoded(ct_object(7, 0))[:-10], 0xC000),
}


@pytest.mark.parametrize("name", BAD_OBJECTS)
def test_what_is_no_data_set_is_refused_with_cannot_understand(
    node: Node, raw_sender: MakeSender, name: str
) -> None:
    data, status = BAD_OBJECTS[name]
    assert raw_sender()(data, uid(7, 2, 0)) == status
    assert node.inbox.studies() == []
    assert "Secret" not in node.told[0].text


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
def test_an_object_without_one_of_its_uids_is_refused(
    node: Node, raw_sender: MakeSender, keyword: str
) -> None:
    data = ct_object(7, 0)
    delattr(data, keyword)
    assert raw_sender()(encoded(data), uid(7, 2, 0)) == 0xC000
    assert keyword in node.told[0].text


def test_an_object_that_is_not_what_was_announced_is_refused(node: Node, raw_sender: MakeSender) -> None:
    assert raw_sender()(encoded(ct_object(7, 0)), "1.2.3") == 0xA900


def test_path_characters_in_a_uid_lead_nowhere(node: Node, raw_sender: MakeSender, tmp_path: Path) -> None:
    data = ct_object(7, 0)
    data["StudyInstanceUID"]._value = "../../../../tmp/evil"
    assert raw_sender()(encoded(data), uid(7, 2, 0)) == 0xC000
    assert node.inbox.studies() == []


@pytest.mark.slow
def test_one_by_one_and_large_images_are_stored(node: Node, raw_sender: MakeSender) -> None:
    for number, side in enumerate((1, 8192)):
        data = ct_object(7, number, side=side)
        assert raw_sender()(encoded(data), uid(7, 2, number)) == 0
    assert node.inbox.content(hashed(uid(7)))[1] == 2


def test_bytes_that_do_not_fit_their_syntax_are_refused(node: Node, raw_sender: MakeSender) -> None:
    data = encoded(ct_object(7, 0))
    assert raw_sender(ImplicitVRLittleEndian)(data, uid(7, 2, 0)) == 0xC000


def mutate(content: bytes, random: np.random.Generator) -> bytes:
    """Bytes flipped, a piece removed, doubled, or a length made to lie."""
    kind = random.integers(4)
    place = int(random.integers(len(content)))
    if kind == 0:
        changed = bytearray(content)
        for at in random.integers(len(content), size=int(random.integers(1, 20))):
            changed[at] ^= int(random.integers(1, 256))
        return bytes(changed)
    if kind == 1:
        return content[:place] + content[place + int(random.integers(1, 60)) :]
    if kind == 2:
        return content[:place] + content[place : place + 40] * 2 + content[place + 40 :]
    start = content.find(b"UI", place % 300)
    return content[: start + 2] + random.bytes(2) + content[start + 4 :]


@pytest.mark.slow
def test_the_receiver_outlives_200_mutated_objects_and_tells_no_name(
    node: Node, raw_sender: MakeSender
) -> None:
    random = np.random.default_rng(5)
    whole = encoded(ct_object(7, 0))
    sender = raw_sender()
    answers = [sender(mutate(whole, random), uid(7, 2, 0)) for _ in range(200)]
    assert set(answers) <= {0, 0xA900, 0xC000}
    assert answers.count(0xC000) > 50
    assert not any("Secret" in told.text for told in node.told)
    assert raw_sender()(encoded(ct_object(8, 1)), uid(8, 2, 1)) == 0
    for path in node.inbox.studies_folder.rglob("*.dcm"):
        assert dcmread(path, stop_before_pixels=True).StudyInstanceUID


@pytest.mark.slow
def test_100_interleaved_studies_are_kept_apart(node: Node) -> None:
    entity = AE(ae_title="MANY")
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", node.receiver.port)
    for number in range(2):
        for study in range(100):
            assert association.send_c_store(ct_object(study, number)).Status == 0
    association.release()
    assert sorted(node.inbox.studies()) == sorted(hashed(uid(study)) for study in range(100))
    assert {node.inbox.content(study)[1] for study in node.inbox.studies()} == {2}
    assert sorted(all_complete(node, 100)) == node.inbox.studies()
