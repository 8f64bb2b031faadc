"""Every way an input can be broken gets its code: no traceback, no wrong geometry, no identifiers."""

from __future__ import annotations

import gzip
import os
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any  # options of several types go through to one helper

import nibabel
import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEGLSLossless,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
    generate_uid,
)

from spondyl.domain.refusal import RefusalCode
from spondyl.domain.series import IngestRefused
from spondyl.domain.volume import CtVolume
from spondyl.stages.ingest import Settings, ingest
from spondyl.synthetic.dicom import encode, make_multiframe, make_series

PATIENT = "Secretname"
SLICE_MM = 2.5
Edit = Callable[[int, FileDataset], None]


def make_volume(n_slices: int = 24, slice_mm: float = SLICE_MM) -> CtVolume:
    """A small volume without symmetry: (k, j, i) of 20 rows and 16 columns, 0.9 and 0.7 mm."""
    k, j, i = np.ogrid[:n_slices, :20, :16]
    hu = ((137 * k + 41 * j + 13 * i) % 2000 - 1000).astype(np.int16)
    affine = np.array([[0, 0, 0.7, -5.0], [0, 0.9, 0, 3.0], [slice_mm, 0, 0, 100.0], [0, 0, 0, 1]])
    return CtVolume(hu=hu, affine=affine, series_id="")


def save(datasets: list[FileDataset], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, dataset in enumerate(datasets):
        dataset.PatientName = dataset.PatientID = PATIENT
        dataset.save_as(folder / f"{PATIENT}{number:03d}", enforce_file_format=True)
    return folder


def edited(edit: Edit, n_slices: int = 24, slice_mm: float = SLICE_MM) -> Callable[[Path], Path]:
    """Maker of a series with ``edit`` applied to each slice."""

    def make(folder: Path) -> Path:
        datasets = make_series(make_volume(n_slices, slice_mm))
        for k, dataset in enumerate(datasets):
            edit(k, dataset)
        return save(datasets, folder / "series")

    return make


def every(**attributes: object) -> Callable[[Path], Path]:
    """Maker of a series with the same attributes set on each slice."""

    def edit(_: int, dataset: FileDataset) -> None:
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    return edited(edit)


def without(keyword: str) -> Callable[[Path], Path]:
    """Maker of a series that lacks one attribute."""
    return edited(lambda _, dataset: dataset.__delattr__(keyword))


def kept(choose: Callable[[int], bool]) -> Callable[[Path], Path]:
    """Maker of a series of which only some slices are there."""

    def make(folder: Path) -> Path:
        return save([x for k, x in enumerate(make_series(make_volume())) if choose(k)], folder / "series")

    return make


def text_file(name: str, content: bytes) -> Callable[[Path], Path]:
    """Maker of one file."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


# ------------------------------------------------------------------------------------------ nothing there
def missing_path(folder: Path) -> Path:
    return folder / PATIENT


def empty_folder(folder: Path) -> Path:
    (folder / "empty" / "deeper").mkdir(parents=True)
    return folder / "empty"


def only_a_pipe(folder: Path) -> Path:
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "pipe")
    return folder / "pipes"


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def only_a_dangling_link(folder: Path) -> Path:
    (folder / "links").mkdir()
    (folder / "links" / "link").symlink_to(folder / "nowhere")
    return folder / "links"


def text_folder(folder: Path) -> Path:
    (folder / "texts").mkdir()
    (folder / "texts" / "readme.txt").write_text("no image")
    (folder / "texts" / "image.dcm").write_text("\x08 not DICOM")
    return folder / "texts"


def nifti_in_a_folder(folder: Path) -> Path:
    (folder / "niftis").mkdir()
    save_nifti(ct_values(), folder / "niftis" / "ct.nii")
    return folder / "niftis"


def too_many_files(folder: Path) -> Path:
    (folder / "many").mkdir()
    for number in range(61):
        (folder / "many" / str(number)).touch()
    return folder / "many"


# ------------------------------------------------------------------------------------------ damaged DICOM
def cut_all(n_bytes: int) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        series = save(make_series(make_volume()), folder / "series")
        for path in series.iterdir():
            path.write_bytes(path.read_bytes()[:n_bytes])
        return series

    return make


def cut_one_in_its_pixels(folder: Path) -> Path:
    series = save(make_series(make_volume()), folder / "series")
    path = sorted(series.iterdir())[7]
    path.write_bytes(path.read_bytes()[:-100])
    return series


def compressed(damage: Callable[[bytes], bytes], syntax: UID = JPEGLSLossless) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        datasets = make_series(make_volume())
        for dataset in datasets:
            encode(dataset, syntax)
        series = save(datasets, folder / "series")
        path = sorted(series.iterdir())[7]
        path.write_bytes(damage(path.read_bytes()))
        return series

    return make


def scramble_codestream(content: bytes) -> bytes:
    # JPEG-LS begins a picture with FF D8 FF F7: the header of the frame is overwritten
    start = content.index(b"\xff\xd8\xff\xf7")
    return content[: start + 4] + b"\x00" * 8 + content[start + 12 :]


def other_picture_size(content: bytes) -> bytes:
    # rows and columns stand 5 bytes after the frame marker FF F7 (ISO 14495-1): claim 40 x 40
    start = content.index(b"\xff\xd8\xff\xf7") + 2
    return content[: start + 5] + struct.pack(">HH", 40, 40) + content[start + 9 :]


def lying_length(folder: Path) -> Path:
    series = save(make_series(make_volume()), folder / "series")
    path = sorted(series.iterdir())[7]
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00OW\x00\x00")
    path.write_bytes(content[: start + 8] + struct.pack("<I", 320) + content[start + 12 :])
    return series


def lying_length_in_the_header(folder: Path) -> Path:
    series = save(make_series(make_volume()), folder / "series")
    path = sorted(series.iterdir())[7]
    content = path.read_bytes()
    start = content.index(b"\x08\x00\x60\x00CS")  # Modality swallows what follows
    path.write_bytes(content[: start + 6] + struct.pack("<H", 0xFFF0) + content[start + 8 :])
    return series


def deflate_bomb(folder: Path) -> Path:
    datasets = make_series(make_volume())
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    series = save(datasets, folder / "series")
    for path in sorted(series.iterdir())[:10]:
        content = path.read_bytes()
        start = 144 + struct.unpack("<I", content[140:144])[0]
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        path.write_bytes(content[:start] + packer.compress(bytes(3_000_000)) + packer.flush())
    return series


def frames_not_described(folder: Path) -> Path:
    dataset = make_multiframe(make_volume())
    dataset.NumberOfFrames = 1_000_000_000
    return save([dataset], folder / "frames")


def frames_without_position(folder: Path) -> Path:
    dataset = make_multiframe(make_volume())
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        del frame.PlanePositionSequence
    return save([dataset], folder / "frames")


def frames_cut(folder: Path) -> Path:
    series = save([make_multiframe(make_volume())], folder / "frames")
    path = next(series.iterdir())
    path.write_bytes(path.read_bytes()[:-5000])
    return path


# ---------------------------------------------------------------------------------------- other than CT
def colour(folder: Path) -> Path:
    def edit(_: int, dataset: FileDataset) -> None:
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit = 7
        dataset.PixelData = bytes(20 * 16 * 3)

    return edited(edit)(folder)


def dose_report(folder: Path) -> Path:
    dataset = make_series(make_volume())[0]
    for keyword in ("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit"):
        delattr(dataset, keyword)
    dataset.SOPClassUID, dataset.Modality = XRayRadiationDoseSRStorage, "SR"
    return save([dataset], folder / "dose")


def sagittal(folder: Path) -> Path:
    def edit(k: int, dataset: FileDataset) -> None:
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [k * SLICE_MM, 0, 0]

    return edited(edit)(folder)


# -------------------------------------------------------------------------------------------- geometry
def same_place(k: int, dataset: FileDataset) -> None:
    dataset.ImagePositionPatient = [0, 0, 0]


def one_slice_many_times(folder: Path) -> Path:
    dataset = make_series(make_volume())[0]
    series = save([dataset], folder / "series")
    content = next(series.iterdir()).read_bytes()
    for number in range(20):
        (series / f"copy{number}").write_bytes(content)
    return series


def not_a_number(k: int, dataset: FileDataset) -> None:
    dataset.add_new("ImagePositionPatient", "DS", f"0\\0\\{k}")
    dataset["ImagePositionPatient"]._value = ["0", "0", "nan"]


def alternating_spacing(k: int, dataset: FileDataset) -> None:
    dataset.ImagePositionPatient = [0, 0, 2.5 * k + 0.8 * (k % 2)]


def growing_spacing(k: int, dataset: FileDataset) -> None:
    dataset.ImagePositionPatient = [0, 0, 2.5 * k + 0.05 * k * k]


def turned(k: int, dataset: FileDataset) -> None:
    angle = np.radians(0.5 * k)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, f"{np.cos(angle):.9f}", f"{np.sin(angle):.9f}"]


def jumping_sideways(k: int, dataset: FileDataset) -> None:
    dataset.ImagePositionPatient = [12.0 if k > 11 else 0.0, 0, SLICE_MM * k]


def jittering(k: int, dataset: FileDataset) -> None:
    dataset.ImagePositionPatient = [0, 0, SLICE_MM * k + (0.25 if k in {5, 12} else 0.0)]


def tilted(degrees: float) -> Edit:
    def edit(k: int, dataset: FileDataset) -> None:
        dataset.ImagePositionPatient = [0, f"{np.tan(np.radians(degrees)) * SLICE_MM * k:.8f}", SLICE_MM * k]

    return edit


# ---------------------------------------------------------------------------------------------- values
def said_to_be(syntax: UID) -> Edit:
    def edit(_: int, dataset: FileDataset) -> None:
        content = dataset.PixelData
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([content])

    return edit


def raw_values(k: int, dataset: FileDataset) -> None:
    dataset.RescaleIntercept = 0  # stored values are HU + 1024: nothing negative is left


def pixels(fill: int) -> Edit:
    def edit(_: int, dataset: FileDataset) -> None:
        dataset.PixelData = np.full((20, 16), fill, dtype="<u2").tobytes()

    return edit


def inverted_without_saying_so(_: int, dataset: FileDataset) -> None:
    stored = np.frombuffer(dataset.PixelData, dtype="<u2")
    dataset.PixelData = (4095 - stored).astype("<u2").tobytes()
    dataset.BitsStored, dataset.HighBit = 12, 11


# --------------------------------------------------------------------------------------------- studies
def two_series(**second: object) -> Callable[[Path], Path]:
    """Maker of a folder with two series, the second with other attributes."""

    def make(folder: Path) -> Path:
        save(make_series(make_volume(), seed=1), folder / "both" / "a")
        datasets = make_series(make_volume(), seed=2)
        first = make_series(make_volume(), seed=1)[0]
        for dataset in datasets:
            dataset.StudyInstanceUID = second.get("StudyInstanceUID", first.StudyInstanceUID)
        save(datasets, folder / "both" / "b")
        if "PatientID" in second:
            for dataset, path in zip(datasets, sorted((folder / "both" / "b").iterdir()), strict=True):
                dataset.PatientID = second["PatientID"]
                dataset.save_as(path)
        return folder / "both"

    return make


# -------------------------------------------------------------------------------------------- archives
def archive(fill: Callable[[zipfile.ZipFile], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "study.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            fill(opened)
        return folder / "study.zip"

    return make


def damaged_archive(damage: Callable[[bytearray], bytes | bytearray]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        series = save(make_series(make_volume()), folder / "series")
        with zipfile.ZipFile(folder / "study.zip", "w", zipfile.ZIP_DEFLATED) as opened:
            for path in sorted(series.iterdir()):
                opened.write(path, path.name)
        content = bytearray((folder / "study.zip").read_bytes())
        (folder / "study.zip").write_bytes(damage(content))
        return folder / "study.zip"

    return make


def bomb(opened: zipfile.ZipFile) -> None:
    with opened.open("bomb", "w") as stream:
        for _ in range(3):
            stream.write(bytes(1 << 20))


def link(opened: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    opened.writestr(info, "/etc/passwd")


def mark_encrypted(content: bytearray) -> bytearray:
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    return content


def wrong_checksum(content: bytearray) -> bytearray:
    central = content.index(b"PK\x01\x02")
    content[central + 16] ^= 0xFF
    content[14] ^= 0xFF
    return content


def overlap(content: bytearray) -> bytearray:
    # the second member of the directory points at the first one's data
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return content


# ----------------------------------------------------------------------------------------------- NIfTI
def ct_values(shape: tuple[int, ...] = (16, 20, 24)) -> np.ndarray:
    return (np.arange(np.prod(shape)).reshape(shape) * 7 % 1500 - 1000).astype(np.int16)


def save_nifti(
    values: np.ndarray,
    path: Path,
    zooms: tuple[float, ...] = (0.7, 0.9, 2.5),
    affine: np.ndarray | None = None,
) -> Path:
    image = nibabel.Nifti1Image(values, np.diag([*zooms, 1.0]) if affine is None else affine)
    nibabel.save(image, path)
    return path


def nifti(values: np.ndarray, name: str = "ct.nii.gz", **options: Any) -> Callable[[Path], Path]:
    return lambda folder: save_nifti(values, folder / name, **options)


def nifti_header(edit: Callable[[np.ndarray], None], name: str = "ct.nii") -> Callable[[Path], Path]:
    """Maker of an uncompressed NIfTI whose header fields are changed after writing."""

    def make(folder: Path) -> Path:
        path = save_nifti(ct_values(), folder / name)
        content = bytearray(path.read_bytes())
        header = np.frombuffer(content, dtype=nibabel.nifti1.header_dtype, count=1)
        edit(header)
        path.write_bytes(content)
        return path

    return make


def set_field(name: str, value: object) -> Callable[[np.ndarray], None]:
    def edit(header: np.ndarray) -> None:
        header[name] = value

    return edit


def no_affine(header: np.ndarray) -> None:
    header["qform_code"] = header["sform_code"] = 0


def damaged_nifti(damage: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = save_nifti(ct_values(), folder / "ct.nii.gz")
        path.write_bytes(damage(path.read_bytes()))
        return path

    return make


def with_nan() -> np.ndarray:
    values = ct_values().astype(np.float32)
    values[3, 4, 5] = np.nan
    return values


def colours() -> np.ndarray:
    return np.zeros((16, 20, 24), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])


def sheared(degrees: float) -> np.ndarray:
    affine = np.diag([0.7, 0.9, 2.5, 1.0])
    affine[1, 2] = 2.5 * np.tan(np.radians(degrees))
    return affine


def skewed_twice() -> np.ndarray:
    affine = sheared(10)
    affine[0, 1] = 0.2
    affine[0, 2] = 0.7
    return affine


C = RefusalCode
BROKEN: dict[str, tuple[Callable[[Path], Path], RefusalCode]] = {
    "path that does not exist": (missing_path, C.NOT_FOUND),
    "path with a NUL": (lambda folder: folder / "a\0b", C.NOT_FOUND),
    "empty folder": (empty_folder, C.EMPTY_INPUT),
    "folder with a pipe only": (only_a_pipe, C.EMPTY_INPUT),
    "folder with a dangling link only": (only_a_dangling_link, C.EMPTY_INPUT),
    "empty file": (text_file("empty.dcm", b""), C.EMPTY_INPUT),
    "empty zip": (archive(lambda opened: None), C.EMPTY_INPUT),
    "a pipe": (a_pipe, C.NO_IMAGES),
    "text file": (text_file("notes.txt", b"no image"), C.NO_IMAGES),
    "text file named .dcm": (text_file("image.dcm", b"no image" * 100), C.NO_IMAGES),
    "PNG file": (text_file("image.png", b"\x89PNG\r\n\x1a\n" + bytes(300)), C.NO_IMAGES),
    "gzip of text": (text_file("a.nii.gz", gzip.compress(b"no image" * 100)), C.NO_IMAGES),
    "gzip cut in its header": (text_file("a.nii.gz", b"\x1f\x8b\x08"), C.NO_IMAGES),
    "folder of text files": (text_folder, C.NO_IMAGES),
    "folder with a NIfTI file": (nifti_in_a_folder, C.NO_IMAGES),
    "zip of text files": (archive(lambda opened: opened.writestr("a.txt", "a")), C.NO_IMAGES),
    "dose report only": (dose_report, C.NO_IMAGES),
    "more files than a study has": (too_many_files, C.TOO_LARGE),
    # damaged
    "all files cut in the header": (cut_all(200), C.UNREADABLE),
    "all files cut after the mark": (cut_all(133), C.UNREADABLE),
    "one slice cut in its pixels": (cut_one_in_its_pixels, C.UNREADABLE),
    "no pixels": (without("PixelData"), C.UNREADABLE),
    "pixel data with a lying length": (lying_length, C.UNREADABLE),
    "header with a lying length": (lying_length_in_the_header, C.MISSING_SLICES),
    "JPEG-LS cut": (compressed(lambda content: content[:-60]), C.UNREADABLE),
    "RLE cut": (compressed(lambda content: content[:-60], RLELossless), C.UNREADABLE),
    "JPEG-LS scrambled": (compressed(scramble_codestream), C.UNREADABLE),
    "JPEG-LS of another size than declared": (compressed(other_picture_size), C.UNREADABLE),
    "deflate bomb": (deflate_bomb, C.TOO_FEW_SLICES),
    "a billion frames declared": (frames_not_described, C.UNREADABLE),
    "multi-frame file cut": (frames_cut, C.UNREADABLE),
    # other than CT
    "MR": (every(Modality="MR", SOPClassUID=MRImageStorage), C.NOT_CT),
    "PET": (every(Modality="PT", SOPClassUID=PositronEmissionTomographyImageStorage), C.NOT_CT),
    "colour images": (colour, C.NOT_CT),
    "secondary captures": (every(SOPClassUID=SecondaryCaptureImageStorage), C.NOT_CT),
    "localizers": (every(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), C.NO_AXIAL_STACK),
    "projections": (every(ImageType=["DERIVED", "SECONDARY", "MIP"]), C.NO_AXIAL_STACK),
    "reformats": (every(ImageType=["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]), C.NO_AXIAL_STACK),
    "atomic number map": (every(RescaleType="Z_EFF"), C.NO_AXIAL_STACK),
    "sagittal slices": (sagittal, C.NO_AXIAL_STACK),
    # attributes
    "no position": (without("ImagePositionPatient"), C.MISSING_ATTRIBUTE),
    "no orientation": (without("ImageOrientationPatient"), C.MISSING_ATTRIBUTE),
    "no pixel spacing": (without("PixelSpacing"), C.MISSING_ATTRIBUTE),
    "no rescale slope": (without("RescaleSlope"), C.MISSING_ATTRIBUTE),
    "no rescale intercept": (without("RescaleIntercept"), C.MISSING_ATTRIBUTE),
    "no rows": (without("Rows"), C.MISSING_ATTRIBUTE),
    "no series UID": (without("SeriesInstanceUID"), C.MISSING_ATTRIBUTE),
    "position of two numbers": (every(ImagePositionPatient=[0, 0]), C.MISSING_ATTRIBUTE),
    "frames without position": (frames_without_position, C.MISSING_ATTRIBUTE),
    # slices
    "one slice, as a file": (lambda f: next(kept(lambda k: k == 0)(f).iterdir()), C.TOO_FEW_SLICES),
    "one slice, as a folder": (kept(lambda k: k == 0), C.TOO_FEW_SLICES),
    "nine slices": (kept(lambda k: k < 9), C.TOO_FEW_SLICES),
    "slices over less than 40 mm": (edited(lambda k, d: None, 24, 1.0), C.TOO_FEW_SLICES),
    "one slice, many copies": (one_slice_many_times, C.TOO_FEW_SLICES),
    "different slices at one position": (edited(same_place), C.CONFLICTING_SLICES),
    "one slice missing": (kept(lambda k: k != 9), C.MISSING_SLICES),
    "two slices missing together": (kept(lambda k: k not in {9, 10}), C.MISSING_SLICES),
    "slices missing in three places": (kept(lambda k: k not in {4, 9, 17}), C.MISSING_SLICES),
    "alternating spacing": (edited(alternating_spacing), C.MIXED_SPACING),
    "growing spacing": (edited(growing_spacing), C.MIXED_SPACING),
    "positions off by 0.25 mm": (edited(jittering), C.MIXED_SPACING),
    "slices turned against each other": (edited(turned), C.MIXED_ORIENTATION),
    "slices jump sideways": (edited(jumping_sideways), C.IMPLAUSIBLE_GEOMETRY),
    "gantry tilt of 35 degrees": (edited(tilted(35)), C.GANTRY_TILT),
    "slices 6 mm apart": (edited(lambda k, d: None, 24, 6.0), C.SPACING_TOO_LARGE),
    "slices 0.05 mm apart": (edited(lambda k, d: None, 24, 0.05), C.IMPLAUSIBLE_GEOMETRY),
    "pixel spacing zero": (every(PixelSpacing=[0, 0.7]), C.IMPLAUSIBLE_GEOMETRY),
    "pixel spacing negative": (every(PixelSpacing=[-0.9, 0.7]), C.IMPLAUSIBLE_GEOMETRY),
    "pixel spacing absurd": (every(PixelSpacing=[90, 70]), C.IMPLAUSIBLE_GEOMETRY),
    "orientation not orthogonal": (
        every(ImageOrientationPatient=[1, 0, 0, 0.1, 0.995, 0]),
        C.IMPLAUSIBLE_GEOMETRY,
    ),
    "orientation not of unit length": (
        every(ImageOrientationPatient=[2, 0, 0, 0, 1, 0]),
        C.IMPLAUSIBLE_GEOMETRY,
    ),
    "orientation of zeros": (every(ImageOrientationPatient=[0] * 6), C.IMPLAUSIBLE_GEOMETRY),
    "position not a number": (edited(not_a_number), C.IMPLAUSIBLE_GEOMETRY),
    "no rows at all": (every(Rows=0), C.IMPLAUSIBLE_GEOMETRY),
    "huge rows and columns declared": (every(Rows=65535, Columns=65535), C.TOO_LARGE),
    "more voxels than a CT has": (every(Rows=4000, Columns=4000), C.TOO_LARGE),
    # pixels and values
    "video": (edited(said_to_be(MPEG4HP41)), C.UNSUPPORTED_SYNTAX),
    "native pixels said to be JPEG-LS": (edited(said_to_be(JPEGLSLossless)), C.UNREADABLE),
    "32 bits": (every(BitsAllocated=32, BitsStored=32, HighBit=31), C.UNSUPPORTED_SYNTAX),
    "bits at the upper end": (every(BitsStored=12, HighBit=15), C.UNSUPPORTED_SYNTAX),
    "slope zero": (every(RescaleSlope=0), C.IMPLAUSIBLE_VALUES),
    "slope negative": (every(RescaleSlope=-1), C.IMPLAUSIBLE_VALUES),
    "no negative values": (edited(raw_values), C.IMPLAUSIBLE_VALUES),
    "one constant": (edited(pixels(1024)), C.IMPLAUSIBLE_VALUES),
    "nothing but air": (edited(pixels(24)), C.IMPLAUSIBLE_VALUES),
    "inverted": (edited(inverted_without_saying_so), C.IMPLAUSIBLE_VALUES),
    # studies
    "two studies of one body": (
        two_series(StudyInstanceUID=generate_uid(entropy_srcs=["x"])),
        C.SEVERAL_STUDIES,
    ),
    "two patients": (two_series(PatientID=f"{PATIENT}2"), C.SEVERAL_STUDIES),
    # archives
    "zip bomb": (archive(bomb), C.UNSAFE_ARCHIVE),
    "zip with a path upwards": (archive(lambda x: x.writestr("a/../../b", "b")), C.UNSAFE_ARCHIVE),
    "zip with an absolute path": (archive(lambda x: x.writestr("/etc/b", "b")), C.UNSAFE_ARCHIVE),
    "zip with a Windows path upwards": (archive(lambda x: x.writestr("..\\b", "b")), C.UNSAFE_ARCHIVE),
    "zip with a link": (archive(link), C.UNSAFE_ARCHIVE),
    "zip encrypted": (damaged_archive(mark_encrypted), C.UNSAFE_ARCHIVE),
    "zip with overlapping members": (damaged_archive(overlap), C.UNSAFE_ARCHIVE),
    "zip cut": (damaged_archive(lambda content: content[:-200]), C.UNREADABLE),
    "zip with a wrong checksum": (damaged_archive(wrong_checksum), C.UNREADABLE),
    # NIfTI
    "NIfTI with NaN": (nifti(with_nan()), C.IMPLAUSIBLE_VALUES),
    "NIfTI label map": (nifti((ct_values() % 29).astype(np.uint8)), C.IMPLAUSIBLE_VALUES),
    "NIfTI of 0 to 1": (
        nifti(np.linspace(0, 1, 7680, dtype=np.float32).reshape(16, 20, 24)),
        C.IMPLAUSIBLE_VALUES,
    ),
    "NIfTI with a negative slope": (nifti_header(set_field("scl_slope", -1.0)), C.IMPLAUSIBLE_VALUES),
    "NIfTI of two dimensions": (nifti(ct_values((16, 20)), zooms=(0.7, 0.9, 2.5)), C.WRONG_DIMENSIONS),
    "NIfTI of four dimensions": (nifti(ct_values((16, 20, 24, 2))), C.WRONG_DIMENSIONS),
    "NIfTI of colours": (nifti(colours()), C.NOT_CT),
    "NIfTI of complex numbers": (nifti(ct_values().astype(np.complex64)), C.NOT_CT),
    "NIfTI cut": (damaged_nifti(lambda content: content[: len(content) // 2]), C.UNREADABLE),
    "NIfTI without voxels": (lambda f: _cut(nifti_header(set_field("magic", b"n+1"))(f), 352), C.UNREADABLE),
    "NIfTI of unknown type": (nifti_header(set_field("datatype", 9999)), C.UNREADABLE),
    "NIfTI without affine": (nifti_header(no_affine), C.MISSING_ATTRIBUTE),
    "NIfTI of huge declared size": (
        nifti_header(set_field("dim", [3, 32000, 32000, 32000, 1, 1, 1, 1])),
        C.TOO_LARGE,
    ),
    "NIfTI affine of zeros": (
        nifti_header(set_field("srow_x", [0, 0, 0, 0])),
        C.IMPLAUSIBLE_GEOMETRY,
    ),
    "NIfTI affine with NaN": (nifti_header(set_field("srow_x", [np.nan, 0, 0, 0])), C.IMPLAUSIBLE_GEOMETRY),
    "NIfTI sizes contradict the affine": (
        nifti_header(set_field("srow_z", [0, 0, 3.0, 0])),
        C.IMPLAUSIBLE_GEOMETRY,
    ),
    "NIfTI in micrometres": (nifti_header(set_field("xyzt_units", 3)), C.IMPLAUSIBLE_GEOMETRY),
    "NIfTI skewed in two planes": (nifti(ct_values(), affine=skewed_twice()), C.IMPLAUSIBLE_GEOMETRY),
    "NIfTI sheared by 35 degrees": (nifti(ct_values(), affine=sheared(35)), C.GANTRY_TILT),
    "NIfTI slices 8 mm apart": (nifti(ct_values(), zooms=(0.7, 0.9, 8.0)), C.SPACING_TOO_LARGE),
    "NIfTI of nine slices": (nifti(ct_values((16, 20, 9)), zooms=(0.7, 0.9, 4.9)), C.TOO_FEW_SLICES),
}


def _cut(path: Path, n_bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:n_bytes])
    return path


SETTINGS = Settings(
    max_files=60, max_input_bytes=64 << 20, max_voxels=100_000_000, archive_ratio_from_bytes=2 << 20
)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_input_is_refused_with_its_code_and_names_neither_patient_nor_path(
    name: str, tmp_path: Path
) -> None:
    make, code = BROKEN[name]
    result = ingest(make(tmp_path), SETTINGS)
    assert isinstance(result, IngestRefused)
    assert result.refusal.code == code, result.refusal.text
    assert result.refusal.stage == "ingest"
    assert not any(stack.chosen for stack in result.stacks)
    words = f"{result.refusal} {result.stacks}"
    assert PATIENT not in words
    assert str(tmp_path) not in words


def test_at_least_forty_inputs_are_broken_and_each_code_of_ingest_is_among_them() -> None:
    of_other_stages = {C.NO_SPINE_FOUND, C.TOO_FEW_VERTEBRAE}
    in_a_process_of_its_own = {C.NO_PERMISSION}
    assert len(BROKEN) >= 40
    assert {code for _, code in BROKEN.values()} == set(C) - of_other_stages - in_a_process_of_its_own


def test_every_code_stands_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "refusal-codes.md").read_text()
    described = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert set(C) <= {code for code in described if code in set(C)}


ASK_AS_NOBODY = """
import os, sys
from pathlib import Path
from spondyl.stages.ingest import Settings, ingest
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
print(ingest(Path(sys.argv[1]), Settings()).refusal.code)
"""


def one_closed_file(folder: Path) -> Path:
    series = save(make_series(make_volume()), folder / "series")
    next(series.iterdir()).chmod(0)
    return series


def closed_folder(folder: Path) -> Path:
    series = save(make_series(make_volume()), folder / "outer" / "series")
    series.chmod(0)
    return folder / "outer"


def closed_zip(folder: Path) -> Path:
    path = archive(lambda opened: opened.writestr("a", "a"))(folder)
    path.chmod(0)
    return path


def closed_nifti(folder: Path) -> Path:
    path = save_nifti(ct_values(), folder / "ct.nii.gz")
    path.chmod(0)
    return path


@pytest.mark.parametrize("make", [one_closed_file, closed_folder, closed_zip, closed_nifti])
def test_what_may_not_be_read_is_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    for parent in path.parents:
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o755)
    done = subprocess.run(
        [sys.executable, "-c", ASK_AS_NOBODY, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "NO_PERMISSION", done.stderr
