"""How a cohort run goes on: a bar on a terminal, elsewhere a line now and then, nothing when quiet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from spondyl.cli.console import asides

if TYPE_CHECKING:
    from spondyl.adapters.cohort import CaseOutcome
    from spondyl.pipeline import Clock

_LINE_EVERY_S = 10.0


@dataclass(slots=True)
class Tally:
    """What has come so far. Cases kept from an earlier run tell nothing of the rate."""

    total: int
    started_s: float
    done: int = 0
    kept: int = 0
    failed: int = 0
    states: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: CaseOutcome) -> None:
        """Count one outcome."""
        self.done += 1
        self.kept += outcome.was_kept
        self.failed += outcome.state.failure is not None
        if outcome.state.state is not None:
            name = outcome.state.state.value
            self.states[name] = self.states.get(name, 0) + 1

    def words(self, now_s: float) -> str:
        """Counts, rate and remaining time."""
        read = self.done - self.kept
        parts = [f"{self.done} of {self.total} cases"]
        parts += [f"{self.kept} kept"] * bool(self.kept)
        parts += [f"{number} {name}" for name, number in sorted(self.states.items())]
        parts += [f"{self.failed} failed"] * bool(self.failed)
        elapsed_s = now_s - self.started_s
        if read and elapsed_s > 0.0:
            left_s = (self.total - self.done) * elapsed_s / read
            parts.append(f"{read / elapsed_s * 60.0:.1f} a minute")
            parts += [f"{_duration(left_s)} left"] * (self.done < self.total)
        return ", ".join(parts)


class _Shown(Protocol):
    def __call__(self, tally: Tally, now_s: float) -> None: ...


def shown_outcomes(
    outcomes: Iterable[CaseOutcome], total: int, *, quiet: bool, clock: Clock = time.monotonic
) -> Tally:
    """Take every outcome, show how far it is, and give the counts."""
    tally = Tally(total=total, started_s=clock())
    with _shown(total, quiet=quiet) as show:
        for outcome in outcomes:
            tally.add(outcome)
            show(tally, clock())
    return tally


@contextmanager
def _shown(total: int, *, quiet: bool) -> Iterator[_Shown]:
    console = asides()
    if quiet:
        yield lambda tally, now_s: None  # noqa: ARG005 - nothing is shown
    elif console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("reading", total=total)
            yield lambda tally, now_s: bar.update(task, completed=tally.done, description=tally.words(now_s))
    else:
        last_s = [float("-inf")]

        def line(tally: Tally, now_s: float) -> None:
            if now_s - last_s[0] >= _LINE_EVERY_S or tally.done == tally.total:
                console.print(tally.words(now_s), soft_wrap=True, markup=False)
                last_s[0] = now_s

        yield line


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
