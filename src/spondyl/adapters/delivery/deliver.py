"""Send, ask back, and try again with longer and longer waits; nothing that is refused holds up the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from spondyl.adapters.delivery.files import Outgoing
from spondyl.adapters.delivery.record import Outcome, Record, Result


class Channel(Protocol):
    """A way to one target."""

    def store(self, files: Sequence[Outgoing]) -> Iterator[tuple[Outgoing, Result]]:
        """Send the files; a result for each as it becomes known. A target that is away gives UNSENT."""
        ...

    def present(self, files: Sequence[Outgoing]) -> frozenset[str] | None:
        """Which SOP Instance UIDs of the files the target has; None where it cannot be asked now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often to try, and how long to wait in between: doubled each time up to the longest (ours)."""

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0

    def wait_s(self, n_failures: int) -> float:
        """The wait after that many failures in a row (1 or more)."""
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(n_failures - 1, 30))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Where a delivery stands: how many objects are verified, refused, or neither yet."""

    verified: int
    refused: int
    pending: int
    reasons: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to try."""
        return self.pending == 0


def deliver_once(files: Sequence[Outgoing], channel: Channel, record: Record) -> Summary:
    """One try: send what was not sent, then ask for what was.

    Raises:
        OSError: the record cannot be written.
    """
    unsent = [file for file in files if record[file.sop_instance_uid].outcome is Outcome.UNSENT]
    if unsent:
        for file, result in channel.store(unsent):
            record.note(file.sop_instance_uid, result)
    stored = [file for file in files if record[file.sop_instance_uid].outcome is Outcome.STORED]
    present = channel.present(stored) if stored else frozenset()
    if present is not None:
        for file in stored:
            record.note(file.sop_instance_uid, _asked(is_present=file.sop_instance_uid in present))
    return summarise(files, record)


def _asked(*, is_present: bool) -> Result:
    if is_present:
        return Result(outcome=Outcome.VERIFIED)
    return Result(outcome=Outcome.UNSENT, reason="said to be stored, but not there when asked")


def deliver(
    files: Sequence[Outgoing],
    channel: Channel,
    record: Record,
    patience: Patience,
    sleep: Callable[[float], None],
) -> Summary:
    """Try until everything is verified or refused, or the attempts are used up.

    Raises:
        OSError: the record cannot be written.
    """
    summary = deliver_once(files, channel, record)
    for n_failures in range(1, patience.attempts):
        if summary.is_over:
            break
        sleep(patience.wait_s(n_failures))
        summary = deliver_once(files, channel, record)
    return summary


def summarise(files: Sequence[Outgoing], record: Record) -> Summary:
    """Count the outcomes."""
    results = [record[file.sop_instance_uid] for file in files]
    outcomes = [result.outcome for result in results]
    return Summary(
        verified=outcomes.count(Outcome.VERIFIED),
        refused=outcomes.count(Outcome.REFUSED),
        pending=outcomes.count(Outcome.UNSENT) + outcomes.count(Outcome.STORED),
        reasons=tuple(sorted({x.reason for x in results if x.reason and x.outcome is not Outcome.VERIFIED})),
    )
