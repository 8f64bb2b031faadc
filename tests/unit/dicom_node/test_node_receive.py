"""Receiving: bytes as they came, studies kept apart, every refusal with its status and without a name."""

from __future__ import annotations

import errno
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from node_caller import Caller, calling, context
from node_peers import ct_object, encoded, uid, wait_until, write_study
from node_started import Node, StartNode
from spondyl.adapters.delivery import Outcome, Outgoing, Record, Summary, deliver_once, find_outgoing
from spondyl.adapters.dicom_node import Check, Inbox, InboxError, NoAssociationError, echo, hashed, new_entity

# pynetdicom leaves the closing of a failed connection's socket to the collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


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


@pytest.fixture
def caller(node: Node) -> Iterator[Caller]:
    """An association for CT in explicit VR."""
    with calling(node.receiver.port) as caller:
        caller.associate()
        yield caller


BAD_OBJECTS = {
    "two bytes": (b"\0\0", 0xC000),
    "no DICOM": (b"hello world, this is no data set at all", 0xC000),
    "cut off": (encoded(ct_object(7, 0))[:-10], 0xC000),
}


@pytest.mark.parametrize("name", BAD_OBJECTS)
def test_what_is_no_data_set_is_refused_with_cannot_understand(node: Node, caller: Caller, name: str) -> None:
    data, status = BAD_OBJECTS[name]
    assert caller.store(data, uid(7, 2, 0)) == status
    assert node.inbox.studies() == []
    assert "Secret" not in node.told[0].text


@pytest.mark.parametrize(
    "keyword", ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
def test_an_object_without_one_of_its_uids_is_refused(node: Node, caller: Caller, keyword: str) -> None:
    data = ct_object(7, 0)
    delattr(data, keyword)
    assert caller.store(encoded(data), uid(7, 2, 0)) == 0xC000
    assert keyword in node.told[0].text


def test_an_object_that_is_not_what_was_announced_is_refused(node: Node, caller: Caller) -> None:
    assert caller.store(encoded(ct_object(7, 0)), "1.2.3") == 0xA900


def test_path_characters_in_a_uid_lead_nowhere(node: Node, caller: Caller, tmp_path: Path) -> None:
    data = ct_object(7, 0)
    data["StudyInstanceUID"]._value = "../../../../tmp/evil"
    assert caller.store(encoded(data), uid(7, 2, 0)) == 0xC000
    assert node.inbox.studies() == []


@pytest.mark.slow
def test_one_by_one_and_large_images_are_stored(node: Node, caller: Caller) -> None:
    for number, side in enumerate((1, 8192)):
        data = ct_object(7, number, side=side)
        assert caller.store(encoded(data), uid(7, 2, number)) == 0
    assert node.inbox.content(hashed(uid(7)))[1] == 2


def test_bytes_that_do_not_fit_their_syntax_are_refused(node: Node) -> None:
    with calling(node.receiver.port) as caller:
        caller.associate(context(1, CTImageStorage, ImplicitVRLittleEndian))
        assert caller.store(encoded(ct_object(7, 0)), uid(7, 2, 0)) == 0xC000


def flipped(data: FileDataset, random: Random) -> bytes:
    """Up to 20 bytes changed."""
    content = bytearray(encoded(data))
    for _ in range(random.randint(1, 20)):
        content[random.randrange(len(content))] ^= random.randint(1, 255)
    return bytes(content)


def without_a_piece(data: FileDataset, random: Random) -> bytes:
    content = encoded(data)
    place = random.randrange(len(content))
    return content[:place] + content[place + random.randint(1, 60) :]


def doubled(data: FileDataset, random: Random) -> bytes:
    content = encoded(data)
    place = random.randrange(len(content))
    return content[:place] + content[place : place + 40] * 2 + content[place + 40 :]


def lying(data: FileDataset, random: Random) -> bytes:
    """The length of one element is another."""
    content = encoded(data)
    at = random.choice([at for at in range(300) if content[at : at + 2] in (b"UI", b"CS", b"LO", b"DS")])
    return content[: at + 2] + random.randbytes(2) + content[at + 4 :]


def bare(data: FileDataset, random: Random) -> bytes:
    """Half of its attributes removed."""
    for element in list(data):
        if random.random() < 0.5:
            del data[element.tag]
    return encoded(data)


def in_another_syntax(data: FileDataset, random: Random) -> bytes:
    return encoded(data, random.choice([ImplicitVRLittleEndian, ExplicitVRBigEndian]))


def with_paths_for_uids(data: FileDataset, random: Random) -> bytes:
    keyword = random.choice(["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
    data[keyword]._value = random.choice(["../../../../tmp/evil", "/etc/evil", "1.2/../3", "C:evil", ""])
    return encoded(data)


def of_another_size(data: FileDataset, random: Random) -> bytes:
    """Rows and columns that do not fit the pixels, which may be none."""
    data.Rows, data.Columns = random.choice([(0, 0), (1, 1), (65535, 65535)])
    data.PixelData = bytes(random.choice([0, 2, 100]))
    return encoded(data)


MUTATIONS = (
    flipped, without_a_piece, doubled, lying, bare, in_another_syntax, with_paths_for_uids, of_another_size,
)  # fmt: skip


def test_200_mutated_files_among_100_studies_do_no_harm(node: Node, caller: Caller) -> None:
    random = Random(5)
    answers: dict[str, list[int]] = {mutation.__name__: [] for mutation in MUTATIONS}
    taken: dict[str, bytes] = {}
    for number in range(200):
        instance, mutation = uid(7, 2, number), MUTATIONS[number % len(MUTATIONS)]
        bad = mutation(ct_object(7, number), random)
        answers[mutation.__name__].append(caller.store(bad, instance))
        if answers[mutation.__name__][-1] == 0:
            taken[hashed(instance)] = bad
        study, slice_number = 100 + number % 100, number // 100
        good = encoded(ct_object(study, slice_number))
        assert caller.store(good, uid(study, 2, slice_number)) == 0
        taken[hashed(uid(study, 2, slice_number))] = good
    assert {status for statuses in answers.values() for status in statuses} <= {0, 0xA900, 0xC000}
    assert set(answers["flipped"]) >= {0, 0xC000}  # in a value, and in what says how long it is
    assert set(answers["in_another_syntax"]) == set(answers["with_paths_for_uids"]) == {0xC000}
    assert set(answers["of_another_size"]) == {0}  # a data set in order; the analysis looks at pixels
    kept = {path.stem: path.read_bytes() for path in node.inbox.studies_folder.rglob("*") if path.is_file()}
    assert kept.keys() == taken.keys()
    assert all(kept[name].endswith(content) for name, content in taken.items())
    assert all(node.inbox.content(hashed(uid(study)))[1] == 2 for study in range(100, 200))
    assert len(node.told) == sum(status != 0 for statuses in answers.values() for status in statuses)
    told = " ".join(told.text for told in node.told)
    assert not any(secret in told for secret in ("Secret", "Patient", "ID7", "19500102", "evil"))
    assert list((node.inbox.folder / "partial").iterdir()) == []


def test_100_interleaved_studies_are_kept_apart(node: Node) -> None:
    with calling(node.receiver.port) as caller:
        caller.associate()
        for number in range(2):
            for study in range(100):
                assert caller.store(encoded(ct_object(study, number)), uid(study, 2, number)) == 0
        caller.release()
    assert sorted(node.inbox.studies()) == sorted(hashed(uid(study)) for study in range(100))
    assert {node.inbox.content(study)[1] for study in node.inbox.studies()} == {2}
    assert sorted(all_complete(node, 100)) == node.inbox.studies()
