"""Finds vertebral compression fractures on CT. Research use only, not a medical device.

``spondyl.analyze("folder of a study")`` gives a ``StudyFinding``; the command ``spondyl`` does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from spondyl.domain.finding import StudyFinding

__version__ = "0.1.0"
__all__ = ["__version__", "analyze"]


def analyze(
    path: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    *,
    engine: str | None = None,
    threads: int | None = None,
    settings: str | PathLike[str] | None = None,
) -> StudyFinding:
    """Read one CT study.

    A study that cannot be read is an answer too: state NOT_EVALUABLE with ``refusal``; no exception.

    Args:
        path: DICOM folder, zip of one, one DICOM file, or .nii / .nii.gz.
        out: folder for finding.json, table, segmentation and report; None writes nothing.
        engine: "auto", "onnxruntime" or "openvino"; None for what the settings say ("auto").
        threads: threads of the engine; None for what the settings say (one per core, at most 8).
        settings: a TOML file with settings.

    Raises:
        spondyl.settings.SettingsError: a setting is not allowed.
        spondyl.weights.WeightsError: the networks are missing or damaged.
        spondyl.adapters.engines.EngineError: the engine is not installed.
        OSError: the results cannot be written.
    """
    # here and not above, so that `import spondyl` costs nothing
    from pathlib import Path

    from spondyl.settings import load
    from spondyl.wiring import open_reader

    chosen = load(None if settings is None else Path(settings), engine=engine, threads=threads)
    return open_reader(chosen).read(Path(path), None if out is None else Path(out)).finding
