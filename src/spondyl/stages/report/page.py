"""report.html: what stands on the page, as typed objects, and the page made of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from spondyl.domain.finding import HeightTriple, SeriesFinding, State, StudyFinding, VertebraFinding
from spondyl.domain.level import STANDARD_LEVELS
from spondyl.stages.report.placed import is_singled_out, most_reduced, vertebrae_to_show
from spondyl.stages.report.wording import grade_words, level_words, short_reason

_STATE_WORDS = {
    State.FLAG: "FLAG",
    State.NO_FLAG: "NO FLAG",
    State.NOT_EVALUABLE: "NOT EVALUABLE",
}
_STATE_MEANING = {
    State.FLAG: (
        "A height loss of Genant grade 2 or more stands or may well stand, or a vertebra could not be read. "
        "A reader should look at the images."
    ),
    State.NO_FLAG: (
        "No height loss of Genant grade 2 or more was found in the vertebrae that could be judged. "
        "This does not exclude a fracture."
    ),
    State.NOT_EVALUABLE: "Nothing is said about fractures in this study, neither for nor against.",
}
_UNKNOWN = "–"
_WALL_MM = 3.0  # ours (clinical-methods §4.3): less is the spine's own bend
_CANAL_FRACTION = 0.25  # the first step of the interventional form (clinical-methods §4.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A picture inside the page: data URI, what it shows for those who do not see it, and a caption."""

    uri: str
    alternative: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightRow:
    """One of the three heights on a tile, as text."""

    place: str
    measured: str
    window: str
    expected: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One vertebra that is shown enlarged."""

    title: str
    grade: int | None
    grade_words: str
    figure: Figure
    heights: tuple[HeightRow, ...]
    facts: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One vertebra in the table of all vertebrae, as text; ``heights`` holds (value, expected)."""

    level: str
    level_probability: str
    heights: tuple[tuple[str, str], ...]
    loss: str
    grade: int | None
    grade_words: str
    shape: str
    probability: str
    attenuation: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJudged:
    """A vertebra without a grade, and why."""

    level: str
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRow:
    """One stack of slices that was seen."""

    description: str
    series_id: str
    facts: str
    chosen: bool
    reason: str
    text: str
    repairs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityBlock:
    """The table of bone attenuation, as text; ``rows`` hold level, HU with its error, volume, why not."""

    lead: str
    band: str
    remarks: tuple[str, ...]
    rows: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """Everything the template shows."""

    finding: StudyFinding
    state_words: str
    state_meaning: str
    summary: tuple[tuple[str, str], ...]
    spines: tuple[Figure, ...]
    tiles: tuple[Tile, ...]
    tiles_lead: str
    rows: tuple[TableRow, ...]
    density: DensityBlock | None
    of_scan: tuple[tuple[str, str], ...]
    not_judged: tuple[NotJudged, ...]
    levels_not_seen: str
    stacks: tuple[StackRow, ...]
    manifest: tuple[tuple[str, str], ...]
    timings: tuple[tuple[str, str], ...]


def to_html(
    finding: StudyFinding,
    spine_pictures: Mapping[str, bytes],
    tile_pictures: Mapping[tuple[str, str], bytes],
    tile_probability: float,
) -> bytes:
    """The page as UTF-8 bytes.

    Args:
        finding: the answer.
        spine_pictures: PNG by series_id.
        tile_pictures: PNG by (series_id, level).
        tile_probability: as in Settings, for the text.
    """
    page = ReportPage(
        finding=finding,
        state_words=_STATE_WORDS[finding.state],
        state_meaning=_STATE_MEANING[finding.state],
        summary=_summary(finding),
        spines=tuple(_spine_figure(finding, key, png) for key, png in spine_pictures.items()),
        tiles=tuple(
            _tile(vertebra, tile_pictures[key])
            for vertebra in vertebrae_to_show(finding, tile_probability)
            if (key := (vertebra.series_id, vertebra.level)) in tile_pictures
        ),
        tiles_lead=_tiles_lead(finding, tile_probability),
        rows=tuple(_table_row(vertebra) for vertebra in finding.vertebrae),
        density=_density(finding),
        of_scan=tuple((one.kind.replace("_", " "), one.text) for one in finding.confounders),
        not_judged=tuple(_not_judged(v) for v in finding.vertebrae if v.genant_grade is None),
        levels_not_seen=_levels_not_seen(finding),
        stacks=tuple(_stack_row(series) for series in finding.series),
        manifest=_manifest(finding),
        timings=tuple((stage, f"{seconds:.2f} s") for stage, seconds in finding.manifest.timings_s.items()),
    )
    return _template().render(page=page).encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("spondyl.stages.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _summary(finding: StudyFinding) -> tuple[tuple[str, str], ...]:
    graded = [vertebra for vertebra in finding.vertebrae if vertebra.genant_grade is not None]
    worst = most_reduced(finding)
    items = [
        ("Probability of a grade ≥ 2 fracture in this study", _fixed(finding.score, 2)),
        ("Vertebrae graded", f"{len(graded)} of {len(finding.vertebrae)} found"),
        ("Stacks read", f"{sum(series.chosen for series in finding.series)} of {len(finding.series)} seen"),
    ]
    if worst is not None and worst.loss_fraction is not None:
        loss = _percent(worst.loss_fraction, worst.loss_sd)
        items.insert(2, ("Largest height loss", f"{level_words(worst)}: {loss}"))
    return tuple(items)


def _tiles_lead(finding: StudyFinding, tile_probability: float) -> str:
    limit = f"a probability of grade ≥ 2 of {tile_probability:.2f} or more"
    criteria = f"grade 1 or more, {limit}, a doubtful outline, or a remark with a place in the picture"
    if any(is_singled_out(vertebra, tile_probability) for vertebra in finding.vertebrae):
        return f"Shown are vertebrae with {criteria}."
    return f"No vertebra has {criteria}. Shown is the one with the largest loss."


def _spine_figure(finding: StudyFinding, series_id: str, png: bytes) -> Figure:
    vertebrae = [vertebra for vertebra in finding.vertebrae if vertebra.series_id == series_id]
    words = "; ".join(f"{level_words(vertebra)} {grade_words(vertebra)}" for vertebra in vertebrae)
    stack = next((series for series in finding.series if series.series_id == series_id), None)
    name = series_id if stack is None else f"{stack.description} ({_stack_facts(stack)})"
    return Figure(
        uri=_data_uri(png),
        alternative=f"Sagittal and coronal reformat along the spine, from head to foot: {words}.",
        caption=name,
    )


def _tile(vertebra: VertebraFinding, png: bytes) -> Tile:
    level = level_words(vertebra)
    return Tile(
        title=level,
        grade=vertebra.genant_grade,
        grade_words=grade_words(vertebra),
        figure=Figure(
            uri=_data_uri(png),
            alternative=(
                f"{level}, mid-sagittal and mid-coronal cut with the outline that was found, "
                f"the six points and the expected heights: {grade_words(vertebra)}."
            ),
            caption=level,
        ),
        heights=_height_rows(vertebra),
        facts=_tile_facts(vertebra),
        remarks=_remarks(vertebra),
    )


def _height_rows(vertebra: VertebraFinding) -> tuple[HeightRow, ...]:
    if vertebra.heights_mm is None:
        return ()
    measured, expected = vertebra.heights_mm, vertebra.expected_heights_mm
    rows = []
    for place in ("anterior", "middle", "posterior"):
        height_mm, expected_mm = getattr(measured, place), _at(expected, place)
        rows.append(
            HeightRow(
                place=place,
                measured=_with_sd(height_mm, _at(vertebra.height_sd_mm, place)),
                window=_fixed(_at(vertebra.window_heights_mm, place), 1),
                expected=_fixed(expected_mm, 1),
                share=_UNKNOWN if expected_mm is None else f"{100 * height_mm / expected_mm:.0f} %",
            )
        )
    return tuple(rows)


def _tile_facts(vertebra: VertebraFinding) -> tuple[tuple[str, str], ...]:
    return (
        ("Height loss", _percent(vertebra.loss_fraction, vertebra.loss_sd)),
        ("Genant grade", _UNKNOWN if vertebra.genant_grade is None else str(vertebra.genant_grade)),
        ("Shape", vertebra.shape or _UNKNOWN),
        ("P(grade ≥ 2)", _fixed(vertebra.probability_grade_2_or_more, 2)),
        ("Attenuation", _hounsfield(vertebra.attenuation_hu)),
        ("Level certain to", f"{100 * vertebra.level_probability:.0f} %"),
        ("Signs", _signs_words(vertebra)),
        ("Compared with", ", ".join(vertebra.neighbours_used) or "level norms only"),
    )


def _table_row(vertebra: VertebraFinding) -> TableRow:
    heights = tuple(
        (
            _with_sd(_at(vertebra.heights_mm, place), _at(vertebra.height_sd_mm, place)),
            ""
            if vertebra.expected_heights_mm is None
            else _fixed(_at(vertebra.expected_heights_mm, place), 1),
        )
        for place in ("anterior", "middle", "posterior")
    )
    grade = vertebra.genant_grade
    return TableRow(
        level=level_words(vertebra),
        level_probability=f"{100 * vertebra.level_probability:.0f} %",
        heights=heights,
        loss=_percent(vertebra.loss_fraction, vertebra.loss_sd),
        grade=grade,
        grade_words=short_reason(vertebra) if grade is None else f"G{grade}",
        shape=vertebra.shape or _UNKNOWN,
        probability=_fixed(vertebra.probability_grade_2_or_more, 2),
        attenuation=_fixed(vertebra.attenuation_hu, 0),
        remarks=_remarks(vertebra),
    )


def _remarks(vertebra: VertebraFinding) -> tuple[str, ...]:
    own = []
    if vertebra.in_view == "partial":
        own.append("Partly outside the scan.")
    if vertebra.level_uncertain:
        own.append("Level number uncertain.")
    if vertebra.not_measured_text:
        own.append(vertebra.not_measured_text)
    if vertebra.counted_text:
        own.append(vertebra.counted_text)
    return (*own, *(confounder.text for confounder in vertebra.confounders))


def _density(finding: StudyFinding) -> DensityBlock | None:
    bone = finding.bone_density
    if bone is None:
        return None
    value = "No level could be read."
    if bone.attenuation_hu is not None:
        value = f"{bone.representative}: {bone.attenuation_hu:.0f} HU as scanned"
        if bone.converted_hu is not None and bone.converted_hu != bone.attenuation_hu:
            value += f", {bone.converted_hu:.0f} HU as at 120 kVp"
        if bone.low_hu is not None:
            value += f"; without contrast it may be as low as {bone.low_hu:.0f} HU"
        value += f" (contrast: {bone.phase})."
    return DensityBlock(
        lead=value,
        band=bone.band or "No published band applies.",
        remarks=bone.remarks,
        rows=tuple(
            (
                level.level,
                _with_sd(level.attenuation_hu, level.standard_error_hu),
                f"{level.volume_ml:.1f}",
                level.left_out or "",
            )
            for level in bone.levels
        ),
    )


def _signs_words(vertebra: VertebraFinding) -> str:
    """The signs that stand out, as words; a dash where none does."""
    signs = vertebra.signs
    if signs is None:
        return _UNKNOWN
    words = [one.replace("_", " ") for one in signs.evidence]
    if signs.retropulsion_mm is not None and signs.retropulsion_mm >= _WALL_MM:
        words.append(f"posterior wall {signs.retropulsion_mm:.1f} mm behind its neighbours' line")
    if signs.canal_narrowing_fraction is not None and signs.canal_narrowing_fraction >= _CANAL_FRACTION:
        words.append(f"canal narrowed by {signs.canal_narrowing_fraction:.0%}")
    if signs.is_plana:
        words.append("vertebra plana")
    if signs.sins is not None:
        words.append(f"SINS {signs.sins.low} to {signs.sins.high} (pain not known)")
    return "; ".join(words) or "none stands out"


def _not_judged(vertebra: VertebraFinding) -> NotJudged:
    return NotJudged(
        level=level_words(vertebra),
        code=vertebra.not_measured or "NO_GRADE",
        text=vertebra.not_measured_text or short_reason(vertebra),
    )


def _levels_not_seen(finding: StudyFinding) -> str:
    """The standard thoracic and lumbar levels without a vertebra, runs written as ``T1 to T4``."""
    seen = {vertebra.level for vertebra in finding.vertebrae}
    graded = [level for level in STANDARD_LEVELS if level.is_graded]
    runs: list[list[str]] = []
    for number, level in enumerate(graded):
        if level in seen:
            continue
        if number > 0 and graded[number - 1] not in seen:
            runs[-1].append(level.value)
        else:
            runs.append([level.value])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def _stack_row(series: SeriesFinding) -> StackRow:
    return StackRow(
        description=series.description or "(no description)",
        series_id=series.series_id,
        facts=_stack_facts(series),
        chosen=series.chosen,
        reason=series.reason,
        text=series.text,
        repairs=series.repairs,
    )


def _stack_facts(series: SeriesFinding) -> str:
    parts = [series.modality, "1 slice" if series.n_slices == 1 else f"{series.n_slices} slices"]
    if series.slice_spacing_mm is not None:
        parts.append(f"every {series.slice_spacing_mm:.2f} mm")
    if series.pixel_spacing_mm is not None:
        row, column = series.pixel_spacing_mm
        parts.append(f"pixels {row:.2f} × {column:.2f} mm")
    if series.kernel:
        parts.append(f"kernel {series.kernel}")
    if series.z_range_mm is not None:
        low, high = series.z_range_mm
        parts.append(f"z {low:.0f} to {high:.0f} mm")
    return ", ".join(part for part in parts if part)


def _manifest(finding: StudyFinding) -> tuple[tuple[str, str], ...]:
    manifest = finding.manifest
    networks = [
        (f"Network {network.name}", f"version {network.version}, SHA-256 {network.sha256}")
        for network in manifest.networks
    ]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(manifest.packages.items()))
    return (
        ("Spondyl", manifest.spondyl_version),
        ("Input SHA-256", manifest.input_sha256),
        ("Settings SHA-256", manifest.settings_sha256),
        *networks,
        ("Engine", f"{manifest.engine}, {manifest.precision}"),
        ("Python", f"{manifest.python} on {manifest.machine}"),
        ("Packages", packages),
        ("Contract", finding.schema_),
    )


def _at(triple: HeightTriple | None, place: str) -> float | None:
    return None if triple is None else float(getattr(triple, place))


def _fixed(value: float | None, decimals: int) -> str:
    return _UNKNOWN if value is None else f"{value:.{decimals}f}"


def _with_sd(value: float | None, sd: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:.1f}" if sd is None else f"{value:.1f} ± {sd:.1f}"


def _percent(fraction: float | None, sd: float | None) -> str:
    if fraction is None:
        return _UNKNOWN
    return f"{100 * fraction:.0f} %" if sd is None else f"{100 * fraction:.0f} ± {100 * sd:.0f} %"


def _hounsfield(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.0f} HU"
