"""What is said on the wire, byte by byte, to callers that do not keep to the rules."""

from __future__ import annotations

import struct

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.pdu import A_ASSOCIATE_AC

from node_caller import (
    ABORTED,
    ASSOCIATED,
    CT,
    DATA,
    REJECTED,
    RELEASED,
    associate,
    calling,
    context,
    part,
    pdu,
    store_command,
)
from node_peers import ct_object, encoded, uid, wait_until
from node_started import Node, StartNode
from spondyl.adapters.dicom_node import hashed

MPEG2 = "1.2.840.10008.1.2.4.100"
FIND = "1.2.840.10008.5.1.4.1.2.2.1"


def test_each_context_is_judged_by_itself(node: Node) -> None:
    contexts = (
        CT
        + context(3, FIND, ImplicitVRLittleEndian)
        + context(5, CTImageStorage, MPEG2)
        + context(7, CTImageStorage, MPEG2, ImplicitVRLittleEndian, ExplicitVRLittleEndian)
    )
    with calling(node.receiver.port) as caller:
        caller.say(associate(contexts))
        kind, body = caller.hear()
        assert kind == ASSOCIATED
        heard = A_ASSOCIATE_AC()
        heard.decode(pdu(kind, body))
        answers = {x.presentation_context_id: x for x in heard.presentation_context}
        assert {number: answer.result for number, answer in answers.items()} == {1: 0, 3: 3, 5: 4, 7: 0}
        assert answers[7].transfer_syntax == ImplicitVRLittleEndian  # the caller's first that is known
        caller.say(pdu(5, bytes(4)))
        assert caller.hear() == (RELEASED, bytes(4))


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [
        (associate(version=2), (1, 2, 2)),
        (associate(application="1.2.3"), (1, 1, 2)),
        (associate(called="OTHER"), (1, 1, 7)),
    ],
    ids=["version", "application", "called title"],
)
def test_a_caller_is_told_why_it_is_rejected(
    start_node: StartNode, request_pdu: bytes, answer: tuple[int, int, int]
) -> None:
    node = start_node(is_title_checked=True)
    with calling(node.receiver.port) as caller:
        caller.say(request_pdu)
        assert caller.hear() == (REJECTED, bytes((0, *answer)))


def test_one_caller_too_many_may_come_back(start_node: StartNode) -> None:
    node = start_node(most_associations=1)
    with calling(node.receiver.port) as first:
        first.say(associate())
        assert first.hear()[0] == ASSOCIATED
        with calling(node.receiver.port) as second:
            second.say(associate())
            assert second.hear() == (REJECTED, bytes((0, 2, 3, 2)))
        first.say(pdu(5, bytes(4)))
        assert first.hear()[0] == RELEASED
    with calling(node.receiver.port) as third:
        third.say(associate())
        assert third.hear()[0] == ASSOCIATED


STORE = store_command(uid(7, 2, 0))
BROKEN = {
    "no association": [part(STORE, control=3)],
    "another PDU": [pdu(8, b"")],
    "a PDU of 4 GB": [struct.pack(">BxL", DATA, 0xFFFFFFFF)],
    "a part that is too long": [pdu(DATA, struct.pack(">LBB", 99, 1, 3) + STORE)],
    "an unknown context": [pdu(DATA, part(STORE, control=3, number=99))],
    "data before a command": [pdu(DATA, part(b"data", control=2))],
    "a command within data": [pdu(DATA, part(STORE, control=3)), pdu(DATA, part(STORE, control=3))],
    "half a command": [pdu(DATA, part(STORE[:-5], control=3))],
    "a command without its kind": [pdu(DATA, part(STORE[:30], control=3))],
    "a command without end": [pdu(DATA, part(b"\0" * 60000, control=1))] * 2,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_rules_is_aborted_and_told(node: Node, name: str) -> None:
    with calling(node.receiver.port) as caller:
        if name != "no association":
            caller.say(associate())
            assert caller.hear()[0] == ASSOCIATED
            caller.say(*BROKEN[name])
        else:
            caller.say(pdu(DATA, BROKEN[name][0]))
        assert caller.hear()[0] == ABORTED
    wait_until(lambda: [told.code for told in node.told] == ["BROKEN_CONNECTION"])


@pytest.mark.parametrize("cut", [3, 40, 80, 150])
def test_half_a_request_for_an_association_is_aborted(node: Node, cut: int) -> None:
    with calling(node.receiver.port) as caller:
        body = associate()[6:]
        caller.say(pdu(1, body[: min(cut, len(body) - 1)]))
        assert caller.hear()[0] == ABORTED


def test_an_object_may_come_in_many_parts_and_pdus(node: Node) -> None:
    content = encoded(ct_object(7, 0))
    parts = [content[at : at + 50] for at in range(0, len(content), 50)]
    with calling(node.receiver.port) as caller:
        caller.say(associate())
        caller.hear()
        caller.say(pdu(DATA, part(STORE[:20], control=1) + part(STORE[20:], control=3)))
        for number, piece in enumerate(parts):
            caller.say(pdu(DATA, part(piece, control=2 if number == len(parts) - 1 else 0)))
        assert caller.status() == 0
        # a shorter object after a longer one: none of the longer one's bytes may stay
        caller.say(pdu(DATA, part(store_command(uid(7, 2, 1)), control=3) + part(b"short", control=2)))
        assert caller.status() == 0xC000
    [kept] = node.inbox.objects_folder(hashed(uid(7))).iterdir()
    assert kept.read_bytes().endswith(content)


def test_other_commands_are_answered_and_the_association_stands(node: Node) -> None:
    with calling(node.receiver.port) as caller:
        caller.say(associate())
        caller.hear()
        caller.say(pdu(DATA, part(store_command("1.2", field=0x20, has_data=False), control=3)))
        assert caller.status() == 0x0211
        caller.say(pdu(DATA, part(store_command("1.2", has_data=False), control=3)))
        assert caller.status() == 0xC000  # a C-STORE without a data set
        caller.say(pdu(DATA, part(STORE, control=3) + part(encoded(ct_object(7, 0)), control=2)))
        assert caller.status() == 0


def test_a_silent_caller_is_cut_off(start_node: StartNode) -> None:
    node = start_node(answer_timeout_s=0.2)
    with calling(node.receiver.port) as caller:
        assert caller.stream.recv(1) == b""


def test_an_error_of_ours_ends_one_connection_and_no_more(
    node: Node, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(node.inbox, "store", None)
    content = encoded(ct_object(7, 0))
    with calling(node.receiver.port) as caller:
        caller.associate()
        caller.say(pdu(DATA, part(STORE, control=3) + part(content, control=2)))
        assert caller.stream.recv(1) == b""
    wait_until(lambda: bool(node.told))
    assert [told.text for told in node.told] == ["an association was aborted: an error of ours, TypeError"]
    monkeypatch.undo()
    with calling(node.receiver.port) as caller:
        caller.associate()
        assert caller.store(content, uid(7, 2, 0)) == 0
    assert capfd.readouterr().err == ""
