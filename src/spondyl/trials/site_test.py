"""The site acceptance test: fractures of known loss in a site's own normal CTs, read by Spondyl."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from spondyl.domain.finding import NOT_FOR_DIAGNOSIS, Manifest
from spondyl.study.evaluation.insertions import InsertionReading, NormalReading
from spondyl.trials.insertion import NormalCt, PlannedInsertion, TrialError, Tried, plan, run, survey
from spondyl.trials.insertion_text import insertion_table, normal_table, trial_document
from spondyl.trials.picture import Drawn, write_sheet
from spondyl.wiring import Reader

READINGS_NAME = "readings.jsonl"
FEWEST_CTS = 2  # below it no interval can be given; ten are recommended
_MOST_PICTURES = 40

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """One line of readings.jsonl: what was planned, and how it was read."""

    number: int
    planned: PlannedInsertion
    reading: InsertionReading | None
    left_out: str | None


_LINE = TypeAdapter(_Kept)


def cts_in(folder: Path) -> list[Path]:
    """The CTs of a folder: every NIfTI, zip and sub-folder in it, by name.

    Raises:
        TrialError: there is none.
    """
    if not folder.is_dir():
        raise TrialError(f"{folder}: a folder with one sub-folder, zip or .nii.gz per CT is needed")
    paths = sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".")
        and (path.is_dir() or path.name.endswith((".nii", ".nii.gz", ".zip")))
    )
    if not paths:
        raise TrialError(f"{folder} holds no CT; a sub-folder, zip or .nii.gz per CT is needed")
    return paths


def site_test(
    reader: Reader, folder: Path, out: Path, *, number: int, seed: int, tell: Told
) -> tuple[Path, ...]:
    """Survey the CTs, insert and read, write the report; a stopped test goes on where it was.

    Raises:
        TrialError: too few CTs can take part, or the results in ``out`` are those of another test.
        OSError: the folder cannot be written.
    """
    cts, refused = _survey_all(reader, folder, tell)
    planned = plan(cts, number, seed)
    out.mkdir(parents=True, exist_ok=True)
    kept = _kept(out / READINGS_NAME, planned)
    tiles: list[Drawn] = []
    todo = [one for position, one in enumerate(planned) if position not in kept]
    tell(f"{len(planned)} fractures, {len(todo)} to do")
    for tried in _remaining(reader, cts, planned, kept):
        line = _Kept(
            number=tried.number, planned=tried.planned, reading=tried.reading, left_out=tried.left_out
        )
        with (out / READINGS_NAME).open("ab") as file:
            file.write(_LINE.dump_json(line) + b"\n")
        kept[tried.number] = line
        if tried.missed is not None:
            tiles.append(tried.missed)
        tell(f"{len(kept)} of {len(planned)}")
    return _write(out, reader.manifest, cts, refused, list(kept.values()), tiles[:_MOST_PICTURES])


def _survey_all(reader: Reader, folder: Path, tell: Told) -> tuple[list[NormalCt], list[str]]:
    cts, refused = [], []
    for path in cts_in(folder):
        tell(f"reading {path.name} as it is")
        try:
            cts.append(survey(reader, path, path.name)[0])
        except TrialError as error:
            refused.append(str(error))
    if len(cts) < FEWEST_CTS:
        detail = "; ".join(refused)
        raise TrialError(f"{len(cts)} CTs can take part; at least {FEWEST_CTS} are needed. {detail}".strip())
    return cts, refused


def _remaining(
    reader: Reader, cts: Sequence[NormalCt], planned: Sequence[PlannedInsertion], kept: dict[int, _Kept]
) -> Iterator[Tried]:
    """Only what is not yet done, with the numbers of the whole plan."""
    numbers = [position for position in range(len(planned)) if position not in kept]
    for tried in run(reader, cts, [planned[position] for position in numbers]):
        yield Tried(
            number=numbers[tried.number],
            planned=tried.planned,
            reading=tried.reading,
            left_out=tried.left_out,
            missed=tried.missed,
        )


def _kept(path: Path, planned: Sequence[PlannedInsertion]) -> dict[int, _Kept]:
    if not path.is_file():
        return {}
    kept = {line.number: line for line in map(_LINE.validate_json, path.read_bytes().splitlines())}
    for number, line in kept.items():
        if number >= len(planned) or planned[number] != line.planned:
            raise TrialError(
                f"{path} is of another test (other CTs, number or seed); give another folder with --out"
            )
    return kept


def _write(
    out: Path,
    manifest: Manifest,
    cts: Sequence[NormalCt],
    refused: Sequence[str],
    kept: Sequence[_Kept],
    tiles: list[Drawn],
) -> tuple[Path, ...]:
    readings = [x.reading for x in kept if x.reading is not None]
    normal = [ct.reading for ct in cts]
    left_out = [*refused, *(x.left_out for x in kept if x.left_out)]
    document = out / "site-test.json"
    document.write_text(
        json.dumps(trial_document(manifest, readings, normal, left_out), indent=1, allow_nan=False) + "\n",
        encoding="utf-8",
    )
    page = out / "site-test.md"
    page.write_text(_page(manifest, readings, normal, left_out), encoding="utf-8")
    files = [page, document, out / READINGS_NAME]
    if tiles:
        write_sheet(tiles, out / "missed.png")
        files.append(out / "missed.png")
    return tuple(files)


def _page(
    manifest: Manifest,
    readings: Sequence[InsertionReading],
    normal: Sequence[NormalReading],
    left_out: Sequence[str],
) -> str:
    networks = ", ".join(f"{x.name} {x.version} ({x.sha256[:12]})" for x in manifest.networks)
    lines = "".join(f"- {x}\n" for x in left_out) or "none\n"
    made_by = f"spondyl {manifest.spondyl_version}, {networks}, {manifest.engine}"
    return (
        f"# Site acceptance test\n\n{NOT_FOR_DIAGNOSIS}\n\n{made_by}.\n\n"
        f"{len(readings)} fractures of known loss inserted into {len(normal)} CTs, one at a time. Seen: the "
        "study is flagged and this very vertebra is read as grade 2 or more. Intervals take the CT as the "
        f"unit.\n\n{insertion_table(readings)}\n## Without insertion\n\n{normal_table(normal)}\n"
        f"## Left out\n\n{lines}"
    )
