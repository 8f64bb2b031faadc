"""The data's way: every stage, in order, and nothing else. No arithmetic, no files, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from spondyl.domain.body_view import see_bodies
from spondyl.domain.finding import GradedSeries, Manifest
from spondyl.domain.network import Network
from spondyl.domain.refusal import Refusal
from spondyl.domain.report import AnalysedSeries, ReportInput
from spondyl.domain.segmenter import OutsideSegmenter
from spondyl.domain.series import Ingested, IngestRefused, SourceImages, StackSummary
from spondyl.domain.vertebra import LabelledSpine
from spondyl.domain.volume import CtVolume
from spondyl.stages import (
    confounders,
    density,
    finding,
    grade,
    ingest,
    label,
    localise,
    measure,
    report,
    segment,
    signs,
    volume,
)
from spondyl.stages.confounders import Settings as ConfounderSettings
from spondyl.stages.density import Settings as DensitySettings
from spondyl.stages.finding import Settings as FindingSettings
from spondyl.stages.grade import Settings as GradeSettings
from spondyl.stages.ingest import Settings as IngestSettings
from spondyl.stages.label import Settings as LabelSettings
from spondyl.stages.localise import Settings as LocaliseSettings
from spondyl.stages.measure import Settings as MeasureSettings
from spondyl.stages.report import DicomSettings
from spondyl.stages.report import Settings as ReportSettings
from spondyl.stages.segment import Settings as SegmentSettings
from spondyl.stages.signs import Settings as SignsSettings

STAGES = (
    "ingest",
    "volume",
    "localise",
    "segment",
    "label",
    "measure",
    "grade",
    "signs",
    "confounders",
    "density",
    "finding",
    "report",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """The settings of every stage that has any."""

    ingest: IngestSettings = field(default_factory=IngestSettings)
    localise: LocaliseSettings = field(default_factory=LocaliseSettings)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    label: LabelSettings = field(default_factory=LabelSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    grade: GradeSettings = field(default_factory=GradeSettings)
    signs: SignsSettings = field(default_factory=SignsSettings)
    confounders: ConfounderSettings = field(default_factory=ConfounderSettings)
    density: DensitySettings = field(default_factory=DensitySettings)
    finding: FindingSettings = field(default_factory=FindingSettings)
    report: ReportSettings = field(default_factory=ReportSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """The two networks: the coarse one that finds the spine, the fine one that outlines a body.

    segmenter: from outside; where given it takes the place of both, and its names those of the naming.
    """

    finder: Network
    refiner: Network
    segmenter: OutsideSegmenter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is being done now: a stage, and for which of the accepted series (1-based)."""

    stage: str
    series: int
    n_series: int


Clock = Callable[[], float]
Progress = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who looks on: a clock in seconds, whoever is told each step, and the time that each stage took."""

    clock: Clock
    progress: Progress
    timings_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, stage: str, series: int = 1, n_series: int = 1) -> Iterator[None]:
        """Tell that a stage begins, and add up its time, over the series."""
        self.progress(Step(stage=stage, series=series, n_series=n_series))
        started = self.clock()
        yield
        self.timings_s[stage] = self.timings_s.get(stage, 0.0) + self.clock() - started


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """One series, read to the end: what the finding needs of it, and what the report needs."""

    graded: GradedSeries
    analysed: AnalysedSeries


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A study that was read into memory and not yet looked at: one volume per accepted series.

    Who changes a volume (inserts a fracture, hides a part) puts the changed one here and reads it.
    """

    ingested: Ingested
    volumes: tuple[CtVolume, ...]

    def __post_init__(self) -> None:
        wanted = [series.summary.series_id for series in self.ingested.accepted]
        if [volume.series_id for volume in self.volumes] != wanted:
            raise ValueError("the volumes are not one per accepted series in its order")


def read_study(
    path: Path, *, networks: Networks, settings: StageSettings, manifest: Manifest, watch: Watch
) -> ReportInput:
    """Read one study. It always ends in a finding: what is refused is NOT_EVALUABLE with its code.

    ``manifest`` says what reads it; the input's hash and the timings are filled in here. A stack that a
    stage refuses is listed with its code and does not refuse the study while another stack is read.
    """
    opened = open_study(path, settings, watch)
    if isinstance(opened, IngestRefused):
        sources = () if opened.source is None else (opened.source,)
        return _refused(opened.refusal, opened.stacks, sources, manifest, watch)
    return read_opened(opened, networks=networks, settings=settings, manifest=manifest, watch=watch)


def open_study(path: Path, settings: StageSettings, watch: Watch) -> Opened | IngestRefused:
    """The first two stages: from files to Hounsfield units in memory."""
    with watch.step("ingest"):
        ingested = ingest.ingest(path, settings.ingest)
    if isinstance(ingested, IngestRefused):
        return ingested
    volumes = []
    for number, series in enumerate(ingested.accepted, start=1):
        with watch.step("volume", number, len(ingested.accepted)):
            volumes.append(volume.assemble(series))
    return Opened(ingested=ingested, volumes=tuple(volumes))


def read_opened(
    opened: Opened, *, networks: Networks, settings: StageSettings, manifest: Manifest, watch: Watch
) -> ReportInput:
    """All stages after the first two."""
    ingested, n_series = opened.ingested, len(opened.volumes)
    manifest = manifest.model_copy(update={"input_sha256": ingested.input_sha256})
    outcomes = [
        _read_series(ct, series.attributes, number, n_series, networks, settings, watch)
        for number, (ct, series) in enumerate(zip(opened.volumes, ingested.accepted, strict=True), start=1)
    ]
    stacks = _with_refusals(ingested, outcomes)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    reads = [outcome for outcome in outcomes if isinstance(outcome, _Read)]
    sources = tuple(series.source for series in ingested.accepted if series.source is not None)
    if not reads:
        return _refused(refusals[0], stacks, sources, manifest, watch)
    with watch.step("finding"):
        concluded = finding.conclude(
            tuple(read.graded for read in reads), stacks, (), manifest, settings.finding
        )
    answer = concluded.model_copy(update={"manifest": _timed(manifest, watch)})
    return ReportInput(finding=answer, series=tuple(read.analysed for read in reads), sources=sources)


def write_study(bundle: ReportInput, out: Path, settings: StageSettings, watch: Watch) -> tuple[Path, ...]:
    """The last stage: the results of one study as files.

    Raises:
        OSError: the folder cannot be written.
    """
    with watch.step("report"):
        return report.write_results(bundle, out, settings.report)


def write_dicom(
    bundle: ReportInput,
    out: Path,
    settings: StageSettings,
    dicom: DicomSettings,
    written_at: datetime,
    watch: Watch,
) -> tuple[Path, ...]:
    """The results of one study as DICOM objects of it; none where the input was no DICOM study.

    Raises:
        OSError: the folder cannot be written.
    """
    with watch.step("report"):
        return report.write_dicom(bundle, out, settings.report, dicom, written_at)


def _read_series(
    ct: CtVolume,
    attributes: dict[str, str],
    number: int,
    n_series: int,
    networks: Networks,
    settings: StageSettings,
    watch: Watch,
) -> _Read | Refusal:
    """One stack of slices from its Hounsfield units to its grades and what qualifies them."""
    spine = _find_spine(ct, number, n_series, networks, settings, watch)
    if isinstance(spine, Refusal):
        return spine
    with watch.step("measure", number, n_series):
        measurements = measure.measure(spine, settings.measure)
    with watch.step("grade", number, n_series):
        grades = grade.grade(measurements, settings.grade)
        bodies = see_bodies(spine, measurements)
    with watch.step("signs", number, n_series):
        shown = signs.read_signs(ct, bodies, grades, settings.signs)
    with watch.step("confounders", number, n_series):
        found = confounders.find_confounders(ct, spine, bodies, grades, shown, settings.confounders)
        barred = frozenset(x.level for x in found if x.level is not None and x.bars_reference)
        if barred:  # what leans on a barred vertebra is graded anew, and looked at anew
            grades = grade.grade(measurements, settings.grade, barred)
            found = confounders.find_confounders(ct, spine, bodies, grades, shown, settings.confounders)
    with watch.step("density", number, n_series):
        bone = density.read_density(ct, attributes, bodies, grades, found, settings.density)
    return _Read(
        graded=GradedSeries(
            spine=spine,
            measurements=measurements,
            grades=grades,
            slice_spacing_mm=ct.spacing_mm[ct.slice_axis],
            confounders=found,
            signs=shown,
            density=bone,
        ),
        analysed=AnalysedSeries(volume=ct, spine=spine, measurements=measurements),
    )


def _find_spine(
    ct: CtVolume, number: int, n_series: int, networks: Networks, settings: StageSettings, watch: Watch
) -> LabelledSpine | Refusal:
    """The vertebrae with their names: by our networks, or by the segmenter from outside."""
    if networks.segmenter is not None:
        with watch.step("segment", number, n_series):
            return networks.segmenter(ct)
    with watch.step("localise", number, n_series):
        region = localise.localise(ct, networks.finder, settings.localise)
    if isinstance(region, Refusal):
        return region
    with watch.step("segment", number, n_series):
        masks = segment.segment(ct, region, networks.refiner, settings.segment)
    if isinstance(masks, Refusal):
        return masks
    with watch.step("label", number, n_series):
        return label.label(masks, settings.label)


def _with_refusals(ingested: Ingested, outcomes: list[_Read | Refusal]) -> tuple[StackSummary, ...]:
    """The stacks seen, where each one that a later stage refused carries that stage's code."""
    refused = {
        series.summary.series_id: outcome
        for series, outcome in zip(ingested.accepted, outcomes, strict=True)
        if isinstance(outcome, Refusal)
    }
    return tuple(_refused_stack(stack, refused.get(stack.series_id)) for stack in ingested.stacks)


def _refused_stack(stack: StackSummary, refusal: Refusal | None) -> StackSummary:
    if refusal is None:
        return stack
    return replace(stack, chosen=False, reason=refusal.code.value, text=refusal.text)


def _refused(
    refusal: Refusal,
    stacks: tuple[StackSummary, ...],
    sources: tuple[SourceImages, ...],
    manifest: Manifest,
    watch: Watch,
) -> ReportInput:
    return ReportInput(finding=finding.refused(refusal, stacks, _timed(manifest, watch)), sources=sources)


def _timed(manifest: Manifest, watch: Watch) -> Manifest:
    return manifest.model_copy(update={"timings_s": dict(watch.timings_s)})
