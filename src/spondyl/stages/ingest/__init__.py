"""Which stack of slices is the CT to read, and whether its geometry can be trusted.

In: a path (DICOM folder of any depth, zip of one, DICOMDIR, multi-frame DICOM file, .nii, .nii.gz).
Out: ``Ingested``: one ``AcceptedSeries`` per part of the body, best first, and a ``StackSummary`` of
every stack seen. Refuses: with ``IngestRefused`` and a code; the codes and their meaning stand in
docs/reference/refusal-codes.md. Geometry comes from positions and orientations only, never from
SliceThickness, InstanceNumber or names of files.
"""

from __future__ import annotations

from pathlib import Path

from spondyl.domain.series import Ingested, IngestRefused
from spondyl.stages.ingest.read import read_input
from spondyl.stages.ingest.settings import Settings

__all__ = ["Settings", "ingest"]


def ingest(path: Path, settings: Settings) -> Ingested | IngestRefused:
    """Read the CT study at ``path``.

    Nothing is written, extracted or logged. Raises nothing on account of the input: every fault of it
    is an ``IngestRefused``.
    """
    return read_input(path, settings)
