"""A reader of studies that takes no time: the text of the input says how the reading ends."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from spondyl.domain.finding import (
    Manifest,
    NetworkManifest,
    Reason,
    RefusalFinding,
    State,
    StudyFinding,
    VertebraFinding,
)
from spondyl.domain.report import ResultsNotWrittenError

MANIFEST = Manifest(
    spondyl_version="0.1.0",
    input_sha256="0" * 64,
    settings_sha256="1" * 64,
    networks=(NetworkManifest(name="finder", version="1", sha256="2" * 64),),
    engine="fake 1, 2 threads",
    precision="f32",
    packages={},
    python="3.11",
    machine="Linux",
    timings_s={},
)


@dataclass(frozen=True, kw_only=True)
class FakeReader:
    """Reads a text file: FLAG, NO_FLAG, REFUSE, or a word that ends the reading otherwise; flags a folder.

    journal: file to which the name of every input that is really read is added.
    """

    journal: Path
    seconds: float = 0.0
    manifest: Manifest = MANIFEST

    def read(self, path: Path, out: Path) -> None:
        with self.journal.open("a") as stream:
            stream.write(f"{path.name}\n")
        word = "FLAG" if path.is_dir() else path.read_text().split()[0]
        time.sleep(self.seconds)
        if word == "RAISE":
            raise KeyError("Mustermann^Erika")
        if word == "MEMORY":
            raise MemoryError
        if word == "DIE":
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "HANG":
            time.sleep(60)
        if word == "FULL":
            raise ResultsNotWrittenError(28, "No space left on device", str(out))
        (out / "finding.json").write_text(finding_of(word, path).model_dump_json())


def finding_of(word: str, path: Path) -> StudyFinding:
    """One vertebra, broken where the case is flagged, at a place that depends on the input's name."""
    refusal = RefusalFinding(stage="ingest", code="NOT_CT", got="An MR.", needed="a CT.")
    is_refused = word == "REFUSE"
    grade = 2 if word == "FLAG" else 0
    vertebra = VertebraFinding(
        level="L1",
        level_probability=0.9,
        level_uncertain=False,
        in_view="full",
        series_id="s1",
        label=20,
        centre_lps_mm=(float(len(path.name)), 0.0, 0.0),
        heights_mm=None,
        height_sd_mm=None,
        window_heights_mm=None,
        expected_heights_mm=None,
        landmarks_lps_mm=None,
        depth_mm=None,
        loss_fraction=0.3 if grade else 0.0,
        loss_sd=0.05,
        genant_grade=2 if grade else 0,
        shape="wedge" if grade else "normal",
        probability_grade_2_or_more=0.9 if grade else 0.1,
        attenuation_hu=None,
        not_measured=None,
    )
    return StudyFinding(
        state=State.NOT_EVALUABLE if is_refused else State(word),
        reasons=(Reason(code="NOT_CT" if is_refused else "MADE", text="made by a test"),),
        score=None if is_refused else 0.9 if grade else 0.1,
        vertebrae=() if is_refused else (vertebra,),
        series=(),
        refusal=refusal if is_refused else None,
        manifest=MANIFEST,
    )


@dataclass(frozen=True, kw_only=True)
class FakeOpener:
    """Opens the fake reader in whatever process it is called."""

    journal: Path
    seconds: float = 0.0

    def __call__(self) -> FakeReader:
        return FakeReader(journal=self.journal, seconds=self.seconds)


def write_inputs(folder: Path, words: dict[str, str]) -> Path:
    """Inputs of the fake reader, a file each, and the manifest that names them; gives the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["case_id,path,age_years,sex"]
    for name, word in words.items():
        (folder / f"{name}.txt").write_text(f"{word} {name}")
        lines.append(f"{name},{name}.txt,71,F")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest
