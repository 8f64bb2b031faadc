"""Segmenters from outside: installed plug-ins, and programs that run as a process of their own.

A plug-in is an object in the entry-point group ``spondyl.segmenters``: called without arguments it gives
a ``Segmenter``. A program takes a NIfTI and writes a label map; its libraries need not live with ours.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Protocol, runtime_checkable

import nibabel
import numpy as np

from spondyl.adapters.ct_files import write_nifti
from spondyl.adapters.label_maps import LabelMap, read_label_map
from spondyl.adapters.label_schemes import Scheme, scheme_named, spine_of
from spondyl.domain.refusal import Refusal, RefusalCode
from spondyl.domain.segmenter import SegmenterSettings
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume

GROUP = "spondyl.segmenters"
_GRID_TOLERANCE_MM = 0.01  # NIfTI keeps its affine in 32-bit floats


class SegmenterError(Exception):
    """A segmenter from outside is not installed, failed, or gave what is not a label map of the CT."""


@runtime_checkable
class Segmenter(Protocol):
    """What a plug-in is; plain attributes will do."""

    @property
    def name(self) -> str:
        """Told in the manifest."""
        ...

    @property
    def version(self) -> str:
        """Told in the manifest."""
        ...

    @property
    def scheme(self) -> str:
        """Of its numbers, see ``label_schemes.Scheme``."""
        ...

    @property
    def licence(self) -> str:
        """Of program and weights together, told to who lists the plug-ins."""
        ...

    def segment(self, ct: CtVolume) -> LabelMap:
        """A label map on the CT's own grid; whole vertebrae or bodies alone, 0 where there is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSegmenter:
    """A program as a segmenter: NIfTI in, label map out."""

    settings: SegmenterSettings
    name: str = "command"
    version: str = "unknown"
    licence: str = "of the program"

    @property
    def scheme(self) -> str:
        """As declared in the settings."""
        return self.settings.scheme

    def segment(self, ct: CtVolume) -> LabelMap:
        """Run the program in an empty folder.

        Raises:
            SegmenterError: it is not there, fails, takes too long, or writes no label map.
        """
        with tempfile.TemporaryDirectory(prefix="spondyl-segmenter-") as temporary:
            folder = Path(temporary)
            image = folder / "ct.nii.gz"
            write_nifti(ct, image)
            self._run(folder, image)
            found = sorted(x for x in folder.glob(self.settings.output) if x != image)
            if len(found) != 1:
                raise SegmenterError(
                    f"the segmenter wrote {len(found)} files that match {self.settings.output}; one is needed"
                )
            try:
                return read_label_map(found[0])
            except (OSError, ValueError, nibabel.filebasedimages.ImageFileError) as error:
                raise SegmenterError(f"what the segmenter wrote is no label map: {error}") from error

    def _run(self, folder: Path, image: Path) -> None:
        places = {"input": str(image), "output": str(folder / self.settings.output), "folder": str(folder)}
        command = [part.format_map(places) for part in self.settings.command]
        try:
            subprocess.run(  # noqa: S603 - the program is the site's own choice, never of the input
                command, cwd=folder, check=True, capture_output=True, timeout=self.settings.timeout_s
            )
        except FileNotFoundError as error:
            raise SegmenterError(f"there is no program {command[0]}; install it or give its path") from error
        except subprocess.TimeoutExpired as error:
            limit = self.settings.timeout_s
            raise SegmenterError(f"the segmenter took longer than timeout_s = {limit:g}") from error
        except subprocess.CalledProcessError as error:
            last = error.stderr.decode(errors="replace").strip().splitlines()[-1:] or [""]
            raise SegmenterError(f"the segmenter ended with {error.returncode}: {last[0][:200]}") from error


def installed() -> dict[str, metadata.EntryPoint]:
    """The plug-ins of this installation, by name."""
    return {one.name: one for one in metadata.entry_points(group=GROUP)}


def open_segmenter(settings: SegmenterSettings) -> Segmenter:
    """The segmenter that the settings name.

    Raises:
        SegmenterError: no such plug-in, or what it gives is no segmenter, or an unknown scheme.
    """
    if settings.command:
        segmenter: Segmenter = CommandSegmenter(settings=settings)
    else:
        segmenter = _plug_in(settings.name)
    try:
        scheme_named(segmenter.scheme)
    except ValueError as error:
        raise SegmenterError(f"segmenter {segmenter.name}: {error}") from error
    return segmenter


def _plug_in(name: str) -> Segmenter:
    plug_ins = installed()
    if name not in plug_ins:
        raise SegmenterError(
            f"no segmenter {name!r} is installed; there are: {', '.join(sorted(plug_ins)) or 'none'}"
        )
    make: Callable[[], object] = plug_ins[name].load()
    segmenter = make()
    if not isinstance(segmenter, Segmenter):
        raise SegmenterError(
            f"the plug-in {name} gives no segmenter: name, version, scheme, licence, segment"
        )
    return segmenter


def segment_with(segmenter: Segmenter, ct: CtVolume) -> LabelledSpine | Refusal:
    """Named vertebrae of a CT by a segmenter from outside; the names are the segmenter's.

    Raises:
        SegmenterError: its map does not lie on the CT, or is not of its scheme.
    """
    label_map = segmenter.segment(ct)
    faults = grid_faults(label_map, ct)
    if faults:
        raise SegmenterError(f"segmenter {segmenter.name}: {faults[0]}")
    scheme = scheme_named(segmenter.scheme)
    if not _holds_a_vertebra(label_map, scheme):
        return Refusal(
            stage="segment",
            code=RefusalCode.NO_SPINE_FOUND,
            got=f"The segmenter {segmenter.name} found no vertebra.",
            needed="A CT that shows the spine.",
        )
    try:
        return spine_of(label_map, scheme, series_id=ct.series_id, hu=ct.hu.astype(np.float32))
    except ValueError as error:
        raise SegmenterError(f"segmenter {segmenter.name}: {error}") from error


def grid_faults(label_map: LabelMap, ct: CtVolume) -> list[str]:
    """What keeps a map from lying on the CT's own grid."""
    if label_map.labels.shape != ct.hu.shape:
        return [f"its map has {label_map.labels.shape} voxels (k, j, i), the CT {ct.hu.shape}"]
    away = float(np.max(np.abs(label_map.affine - ct.affine)))
    return [f"its map lies up to {away:.2f} mm beside the CT"] if away > _GRID_TOLERANCE_MM else []


def _holds_a_vertebra(label_map: LabelMap, scheme: Scheme) -> bool:
    return bool(np.isin(label_map.labels, list(scheme.levels)).any())
