"""Reads every real CT at hand and keeps one small overlay of each for the documents.

``python scripts/real_ct_gallery.py [--data FOLDER] [--out FOLDER] [NAME ...]`` writes NAME.png for each
series and prints a table of what was read; docs/explanation/real-ct.md shows both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from PIL import Image

from spondyl.adapters import demo_ct
from spondyl.domain.finding import StudyFinding
from spondyl.settings import load
from spondyl.wiring import Reader, open_reader

INPUTS = {
    "demo-chest": None,
    "nsclcrg-R01-001": "ct/nsclcrg_R01-001.nii.gz",
    "cmbcrc-01068": "ct/cmbcrc_01068.nii.gz",
    "sts-037": "ct/sts_037.nii.gz",
    "sts-007": "ct/sts_007.nii.gz",
    "sts-002": "ct/sts_002.nii.gz",
    "totalseg-example": "masks/totalseg-example/ct.nii.gz",
    "totalseg-aorta": "masks/totalseg-aorta/ct.nii.gz",
    "totalseg-pulmonary": "masks/totalseg-pulmonary/ct.nii.gz",
    "tptbox-L3": "masks/tptbox-L3/sub-ct_label-22_ct.nii.gz",
    "crlm-1006": "dicom/crlm_1006",
    "cptac-C3L-00189": "dicom/cptac_C3L-00189",
    "acrinflt-001": "dicom/acrinflt_001",
}
HEIGHT_PIXELS = 620
COLOURS = 96  # enough for grey values and the grades' colours, and a third of the size


def main() -> None:
    """Read all, keep pictures, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(INPUTS))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPONDYL_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=Path("docs/images/real-ct"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    reader = open_reader(load())
    print("| CT | slices, mm | answer | levels read | graded | cut or refused | worst grade |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.names:
        relative = INPUTS[name]
        path = demo_ct.fetch(demo_ct.cache_folder()) if relative is None else arguments.data / relative
        print(_row(name, _read(reader, name, path, arguments.out)), flush=True)


def _read(reader: Reader, name: str, path: Path, out: Path) -> StudyFinding:
    """Read one CT in a temporary folder and keep its overlays."""
    with tempfile.TemporaryDirectory() as folder:
        answer = reader.read(path, Path(folder))
        overlays = sorted(Path(folder, "pictures").glob("spine_*.png"))
        for number, overlay in enumerate(overlays):
            suffix = "" if len(overlays) == 1 else f"-{number + 1}"
            _keep_small(overlay, out / f"{name}{suffix}.png")
    return answer.finding


def _keep_small(source: Path, target: Path) -> None:
    with Image.open(source) as picture:
        width = round(picture.width * HEIGHT_PIXELS / picture.height)
        small = picture.convert("RGB").resize((width, HEIGHT_PIXELS), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def _row(name: str, finding: StudyFinding) -> str:
    """One line of the table."""
    spacing = ", ".join(
        f"{x.slice_spacing_mm:.2f}" for x in finding.series if x.chosen and x.slice_spacing_mm
    )
    levels = [x.level for x in finding.vertebrae]
    graded = [x for x in finding.vertebrae if x.genant_grade is not None]
    worst = max((x.genant_grade or 0 for x in graded), default=None)
    uncertain = "?" if any(x.level_uncertain for x in finding.vertebrae) else ""
    span = f"{levels[0]}–{levels[-1]}{uncertain}" if levels else "–"
    refusal = f" ({finding.refusal.code})" if finding.refusal else ""
    return (
        f"| {name} | {spacing} | {finding.state}{refusal} | {len(levels)}: {span} | {len(graded)} "
        f"| {len(levels) - len(graded)} | {'–' if worst is None else worst} |"
    )


if __name__ == "__main__":
    main()
