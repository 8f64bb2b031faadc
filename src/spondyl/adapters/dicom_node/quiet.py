"""When is a study complete? DICOM has no word for it: when nothing more of it came for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long a study must be quiet.

    quiet_s: after the last object, once every association that brought one was released (ours; 60 s is
        Orthanc's default, and a sender that opens an association per series needs seconds between two).
    patience_s: where an association is still open or was cut off, so that more is likely to come (ours).
    """

    quiet_s: float = 30.0
    patience_s: float = 180.0

    def __post_init__(self) -> None:
        if not 0 <= self.quiet_s <= self.patience_s:
            raise ValueError(
                f"quiet_s {self.quiet_s} and patience_s {self.patience_s} are not allowed: "
                "0 <= quiet_s <= patience_s is needed"
            )


@dataclass(slots=True)
class _Open:
    """One study that is still growing."""

    last_s: float
    sources: set[int] = field(default_factory=set)
    was_cut_off: bool = False


class QuietTimer:
    """Which studies have been quiet for long enough. Safe to call from many threads.

    A source is a number that stands for one association.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()

    def touch(self, study: str, source: int | None) -> None:
        """An object came. Without a source (a new start) the study counts as cut off."""
        with self._lock:
            entry = self._open.setdefault(study, _Open(last_s=self._clock()))
            entry.last_s = self._clock()
            if source is None:
                entry.was_cut_off = True
            else:
                entry.sources.add(source)

    def source_ended(self, source: int, *, orderly: bool) -> None:
        """An association is over: released, or cut off in some other way."""
        with self._lock:
            for entry in self._open.values():
                if source in entry.sources:
                    entry.sources.discard(source)
                    entry.was_cut_off = not orderly

    def take_quiet(self) -> list[str]:
        """The studies that are complete now; they are asked for once."""
        with self._lock:
            now_s = self._clock()
            quiet = [study for study, entry in self._open.items() if self._is_quiet(entry, now_s)]
            for study in quiet:
                del self._open[study]
            return quiet

    def n_open(self) -> int:
        """How many studies are still growing."""
        with self._lock:
            return len(self._open)

    def _is_quiet(self, entry: _Open, now_s: float) -> bool:
        may_grow = bool(entry.sources) or entry.was_cut_off
        wait_s = self._settings.patience_s if may_grow else self._settings.quiet_s
        return now_s - entry.last_s >= wait_s
