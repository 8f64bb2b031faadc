"""A changed CT written to files: as NIfTI, or as a new DICOM series that says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np

from spondyl.domain.volume import CtVolume
from spondyl.synthetic.dicom import make_series

# acquisition facts that a reader needs; nothing that tells who the patient is
_KEPT = ("KVP", "ConvolutionKernel", "PatientPosition")


def write_nifti(volume: CtVolume, path: Path) -> None:
    """Write Hounsfield units as int16 NIfTI-1.

    Raises:
        OSError: the file cannot be written.
    """
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine[:, [2, 1, 0, 3]]
    image = nibabel.Nifti1Image(np.ascontiguousarray(volume.hu.transpose(2, 1, 0)), ras)  # type: ignore[no-untyped-call]
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def write_derived_series(
    volume: CtVolume, folder: Path, *, attributes: Mapping[str, str], description: str, seed: int
) -> None:
    """Write a new CT series with new UIDs; the patient's name, number and dates are not carried over.

    attributes: acquisition facts by keyword, see ``AcceptedSeries.attributes``. description: what was
    changed; becomes the series' and the derivation's description.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for k, dataset in enumerate(make_series(volume, seed=seed)):
        dataset.PatientName, dataset.PatientID = "Inserted^Fracture", f"INSERTED-{seed}"
        dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        dataset.SeriesDescription = description[:64]
        dataset.DerivationDescription = description
        for keyword in _KEPT:
            if attributes.get(keyword):
                setattr(dataset, keyword, attributes[keyword])
        dataset.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
