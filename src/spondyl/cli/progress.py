"""What is being done now: a bar on a terminal, one plain line per stage elsewhere, nothing when quiet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from spondyl.pipeline import STAGES, Step
from spondyl.pipeline import Progress as Told

DOING = {
    "ingest": "reading the input",
    "volume": "building the volume",
    "localise": "finding the spine",
    "segment": "outlining the vertebrae",
    "label": "naming the levels",
    "measure": "measuring heights",
    "grade": "grading",
    "signs": "reading the signs of each vertebra",
    "confounders": "looking for what only looks like a fracture",
    "density": "reading bone attenuation",
    "finding": "concluding",
    "report": "writing the results",
}
_ONCE_PER_STUDY = {"ingest", "finding", "report"}


@contextmanager
def shown_progress(console: Console, *, quiet: bool) -> Iterator[Told]:
    """Give the function that the pipeline tells its steps to."""
    if quiet:
        yield lambda _step: None
    elif console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task("", total=len(STAGES))
            yield lambda step: _advance(bar, task, step)
    else:
        yield lambda step: console.print(_words(step))


def _bar(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _advance(bar: Progress, task: object, step: Step) -> None:
    per_series = [stage for stage in STAGES if stage not in _ONCE_PER_STUDY]
    total = len(_ONCE_PER_STUDY) + len(per_series) * step.n_series
    done = STAGES.index(step.stage)
    if step.stage in per_series:
        done += (step.series - 1) * len(per_series)
    elif step.stage != "ingest":
        done = total - (len(STAGES) - done)
    bar.update(task, description=_words(step), completed=done, total=total)  # type: ignore[arg-type]


def _words(step: Step) -> str:
    which = f" ({step.series} of {step.n_series})" if step.n_series > 1 else ""
    return f"{DOING[step.stage]}{which}"
