"""What became of each object at one target, kept in a file that any end of the process leaves readable."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Outcome(StrEnum):
    """The state of one object at one target."""

    UNSENT = "unsent"  # not yet tried, or to be tried again
    STORED = "stored"  # the target said so
    VERIFIED = "verified"  # and when asked it has it
    REFUSED = "refused"  # the target will not have it, however often it is sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The outcome of one try, and the target's words for it (a status, never a value of the object)."""

    outcome: Outcome
    reason: str = ""


class Record:
    """Outcomes by SOP Instance UID; each is one line of a file, where there is a file.

    A line is appended at each change and the last one holds, so that an end at any moment loses at most
    the last change; then the object is sent once more, under the same UID.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._results: dict[str, Result] = {}
        if path is not None and path.exists():
            self._read(path.read_bytes())
            # an unfinished last line must not join the next one
            path.write_bytes(path.read_bytes().rpartition(b"\n")[0] + b"\n" if self._results else b"")

    def __getitem__(self, sop_instance_uid: str) -> Result:
        return self._results.get(sop_instance_uid, Result(outcome=Outcome.UNSENT))

    def note(self, sop_instance_uid: str, result: Result) -> None:
        """Keep a result.

        Raises:
            OSError: the file cannot be written.
        """
        self._results[sop_instance_uid] = result
        if self._path is not None:
            line = {"uid": sop_instance_uid, "outcome": result.outcome.value, "reason": result.reason}
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")

    def forget(self, outcome: Outcome, uids: Iterable[str]) -> None:
        """Let what ended so be tried again."""
        for uid in uids:
            if self[uid].outcome is outcome:
                self.note(uid, Result(outcome=Outcome.UNSENT))

    def _read(self, content: bytes) -> None:
        for line in content.split(b"\n")[:-1]:
            try:
                values = json.loads(line)
                result = Result(outcome=Outcome(values["outcome"]), reason=values["reason"])
                self._results[values["uid"]] = result
            except (ValueError, KeyError, TypeError):
                continue  # a line cut off by an earlier end: its object counts as it was before
