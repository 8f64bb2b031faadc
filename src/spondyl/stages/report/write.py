"""All files of one result: made in memory, then written together."""

from __future__ import annotations

import re
from pathlib import Path

from spondyl.domain.finding import StudyFinding
from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.stages.report.files import write_all
from spondyl.stages.report.finding_json import to_json
from spondyl.stages.report.page import to_html
from spondyl.stages.report.placed import place_vertebrae, vertebrae_to_show
from spondyl.stages.report.segmentation import compose_labels, to_nifti
from spondyl.stages.report.settings import Settings
from spondyl.stages.report.spine_picture import draw_spine
from spondyl.stages.report.table_csv import to_csv
from spondyl.stages.report.vertebra_picture import draw_vertebra

_PICTURES = "pictures"
_OWN_FILES = ("segmentation*.nii.gz", f"{_PICTURES}/spine_*.png", f"{_PICTURES}/vertebra_*.png")


def write_results(bundle: ReportInput, out: Path, settings: Settings) -> tuple[Path, ...]:
    """Write everything for one study into the folder ``out``, which is made where it does not exist.

    Raises:
        ResultsNotWrittenError: the folder cannot be written or the disk is full; nothing is left half
            written.
        ValueError: the finding does not agree with its published schema.
    """
    finding = bundle.finding
    document = to_json(finding)
    placed = {series.volume.series_id: place_vertebrae(finding, series) for series in bundle.series}
    spines = {
        series.volume.series_id: draw_spine(series.volume, vertebrae, settings)
        for series in bundle.series
        if (vertebrae := placed[series.volume.series_id])
    }
    shown = vertebrae_to_show(finding, settings.tile_probability)
    tiles = {
        (series.volume.series_id, vertebra.finding.level): draw_vertebra(series.volume, vertebra, settings)
        for series in bundle.series
        for vertebra in placed[series.volume.series_id]
        if vertebra.finding in shown
    }
    files = {
        **_segmentations(bundle.series, out),
        **{out / _PICTURES / f"spine_{_file_word(key)}.png": png for key, png in spines.items()},
        **{out / _PICTURES / _tile_name(finding, *key): png for key, png in tiles.items()},
        out / "vertebrae.csv": to_csv(finding),
        out / "report.html": to_html(finding, spines, tiles, settings.tile_probability),
        out / "finding.json": document,
    }
    earlier = [path for pattern in _OWN_FILES for path in out.glob(pattern)]
    return write_all(files, replaced=earlier)


def _segmentations(series: tuple[AnalysedSeries, ...], out: Path) -> dict[Path, bytes]:
    several = len(series) > 1
    return {
        out / f"segmentation{'_' + _file_word(one.volume.series_id) if several else ''}.nii.gz": to_nifti(
            compose_labels(one), one.volume.affine
        )
        for one in series
    }


def _tile_name(finding: StudyFinding, series_id: str, level: str) -> str:
    """``vertebra_T7.png``; with the series where two series hold the same level."""
    several = sum(vertebra.level == level for vertebra in finding.vertebrae) > 1
    return f"vertebra_{level}_{_file_word(series_id)}.png" if several else f"vertebra_{level}.png"


def _file_word(series_id: str) -> str:
    """A series key as part of a file name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", series_id)
