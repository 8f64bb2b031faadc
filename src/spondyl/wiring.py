"""Where the outside world meets the pipeline: settings, engine, networks, clock, and the result's folder."""

from __future__ import annotations

import hashlib
import platform
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import metadata
from pathlib import Path

import spondyl
from spondyl import weights
from spondyl.adapters import engines, segmenters
from spondyl.domain.finding import Manifest, NetworkManifest, StudyFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.domain.network import Engine
from spondyl.domain.report import ReportInput
from spondyl.domain.segmenter import OutsideSegmenter, SegmenterSettings
from spondyl.domain.series import IngestRefused
from spondyl.pipeline import (
    Networks,
    Opened,
    Progress,
    StageSettings,
    Step,
    Watch,
    open_study,
    read_opened,
    read_study,
    write_dicom,
    write_study,
)
from spondyl.settings import Settings, settings_sha256
from spondyl.stages import report

PACKAGES = ("highdicom", "nibabel", "numpy", "pydicom", "python-gdcm", "scipy")
# the demo without network: a spine with one fracture of grade 2, so that there is something to see
SYNTHETIC_SEED = 1
SYNTHETIC_SPACING_MM = 1.5
SYNTHETIC_LOSS_FRACTION = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The finding of one study, the files that were written (none without a folder), and each stage's time.

    timings_s: as in the finding's manifest, with the report's own time, which no result can hold.
    dicom_files: the DICOM objects; none where no folder was given for them or the input is no DICOM study.
    """

    finding: StudyFinding
    files: tuple[Path, ...]
    timings_s: dict[str, float]
    dicom_files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reader:
    """Opened networks and settings: reads any number of studies."""

    networks: Networks
    manifest: Manifest
    settings: Settings

    def read(
        self,
        path: Path,
        out: Path | None = None,
        progress: Progress | None = None,
        dicom_out: Path | None = None,
    ) -> Answer:
        """Read one study, and write the results where a folder is given.

        dicom_out: folder for the DICOM objects; stays empty where the input is not one DICOM study.

        Raises:
            OSError: the results cannot be written.
        """
        watch = _watch(progress)
        bundle = read_study(
            path, networks=self.networks, settings=self.settings.stages, manifest=self.manifest, watch=watch
        )
        files = () if out is None else write_study(bundle, out, self.settings.stages, watch)
        dicom_files = () if dicom_out is None else self._write_dicom(bundle, dicom_out, watch)
        return Answer(
            finding=bundle.finding,
            files=files,
            timings_s=dict(watch.timings_s),
            dicom_files=dicom_files,
        )

    def _write_dicom(self, bundle: ReportInput, out: Path, watch: Watch) -> tuple[Path, ...]:
        now = datetime.now(UTC).astimezone()  # noqa: TID251 - here the clock enters
        return write_dicom(bundle, out, self.settings.stages, self.settings.dicom, now, watch)

    def read_to_show(self, path: Path, out: Path) -> StudyFinding:
        """Read one study for the reading station: results into ``out``, pictures and DICOM below it.

        Raises:
            OSError: the results cannot be written.
        """
        watch = _watch(None)
        bundle = read_study(
            path, networks=self.networks, settings=self.settings.stages, manifest=self.manifest, watch=watch
        )
        report.write_reading(bundle, out / "reading", self.settings.stages.report)
        self._write_dicom(bundle, out / "dicom", watch)
        write_study(bundle, out, self.settings.stages, watch)
        return bundle.finding

    def open(self, path: Path) -> Opened | IngestRefused:
        """Read a study into memory without looking at it."""
        return open_study(path, self.settings.stages, _watch(None))

    def read_opened(self, opened: Opened) -> ReportInput:
        """Read what was opened, changed or not: the finding with volumes and outlines; writes nothing."""
        return read_opened(
            opened,
            networks=self.networks,
            settings=self.settings.stages,
            manifest=self.manifest,
            watch=_watch(None),
        )


def write_synthetic_study(
    folder: Path, seed: int = SYNTHETIC_SEED, loss_fraction: float = SYNTHETIC_LOSS_FRACTION
) -> Path:
    """Write a synthetic CT as a DICOM series; gives the folder. L1 has lost this much, 0 for nothing.

    Raises:
        OSError: the folder cannot be written.
    """
    from spondyl.synthetic import Deformity, make_ct
    from spondyl.synthetic.dicom import write_series

    broken = loss_fraction > 0.0
    made = make_ct(
        seed,
        SYNTHETIC_SPACING_MM,
        fractures=((Level.L1, Deformity(shape=Shape.WEDGE, loss_fraction=loss_fraction)),) if broken else (),
        first=Level.T6,
        last=Level.L5,
    )
    write_series(made.volume, folder, seed=seed)
    return folder


def _watch(progress: Progress | None) -> Watch:
    return Watch(clock=time.perf_counter, progress=progress or _nobody)


def _nobody(step: Step) -> None:
    """Tell nobody."""


def open_reader(settings: Settings) -> Reader:
    """Check and open the networks with the engine that the settings name.

    Raises:
        WeightsError: a network file is missing or is not what its manifest says.
        EngineError: the engine is not installed or cannot run them.
        SegmenterError: the settings name a segmenter from outside that cannot be used.
    """
    engine = engines.resolve(settings.engine)
    folder = settings.weights_folder or weights.FOLDER
    files = [weights.load(name, folder) for name in weights.NETWORK_NAMES]
    opened = {file.name: engines.open_network(file.content, engine, settings.threads) for file in files}
    used = [NetworkManifest(name=x.name, version=x.version, sha256=x.sha256) for x in files]
    outside: OutsideSegmenter | None = None
    if settings.segmenter.is_used:
        segmenter = segmenters.open_segmenter(settings.segmenter)
        outside = partial(segmenters.segment_with, segmenter)
        used = [_as_manifest(segmenter, settings.segmenter)]
    manifest = Manifest(
        spondyl_version=spondyl.__version__,
        input_sha256="",
        settings_sha256=settings_sha256(settings.stages),
        networks=tuple(used),
        engine=f"{engine.value} {engines.engine_version(engine)}, {settings.threads} threads",
        precision=engines.PRECISION,
        packages={name: metadata.version(name) for name in PACKAGES},
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        timings_s={},
    )
    return Reader(
        networks=Networks(finder=opened["finder"], refiner=opened["refiner"], segmenter=outside),
        manifest=manifest,
        settings=settings,
    )


def _as_manifest(segmenter: segmenters.Segmenter, settings: SegmenterSettings) -> NetworkManifest:
    """A segmenter from outside in the manifest; its files are not ours, so its settings are hashed."""
    digest = hashlib.sha256(repr(settings).encode()).hexdigest()
    return NetworkManifest(name=f"segmenter {segmenter.name}", version=segmenter.version, sha256=digest)


def read_result(path: Path) -> tuple[StudyFinding, bytes]:
    """The finding in one of our structured reports, and its finding.json.

    Raises:
        NotOurReportError: it is none, or it was changed.
        OSError: the file cannot be read.
    """
    return report.read_report(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOpener:
    """Opens the reader in whatever process it is called; settings from a file cannot travel as they are."""

    engine: Engine
    threads: int
    weights_folder: Path | None
    stages: StageSettings
    segmenter: SegmenterSettings = field(default_factory=SegmenterSettings)

    @classmethod
    def of(cls, settings: Settings) -> ReaderOpener:
        """The opener for these settings."""
        return cls(
            engine=settings.engine,
            threads=settings.threads,
            weights_folder=settings.weights_folder,
            stages=settings.stages,
            segmenter=settings.segmenter,
        )

    def __call__(self) -> Reader:
        """Open it; raises as ``open_reader``."""
        return open_reader(
            Settings.model_construct(
                engine=self.engine,
                threads=self.threads,
                weights_folder=self.weights_folder,
                stages=self.stages,
                segmenter=self.segmenter,
            )
        )
