"""The answer as a person reads it in a terminal: state, reasons, a row per vertebra, what was left out."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spondyl.cli.notice import NOTICE
from spondyl.domain.finding import HeightTriple, SeriesFinding, State, StudyFinding, VertebraFinding

STATE_WORDS = {State.FLAG: "FLAG", State.NO_FLAG: "NO FLAG", State.NOT_EVALUABLE: "NOT EVALUABLE"}
STATE_STYLES = {State.FLAG: "bold red", State.NO_FLAG: "bold green", State.NOT_EVALUABLE: "bold yellow"}
# grades carry their number, so that colour is never the only sign
GRADE_STYLES = {0: "", 1: "yellow", 2: "bold red", 3: "bold white on red"}
COLUMNS = (
    ("level", "left"), ("anterior\nmm", "right"), ("middle\nmm", "right"), ("posterior\nmm", "right"),
    ("±\nmm", "right"), ("loss\n%", "right"), ("grade", "center"), ("shape", "left"), ("P(≥2)", "right"),
    ("HU", "right"),
)  # fmt: skip


def print_answer(console: Console, finding: StudyFinding, *, verbose: bool) -> None:
    """Print the whole answer."""
    console.print(Text(NOTICE, style="dim"))
    console.print(_headline(finding))
    for reason in finding.reasons:
        console.print(Text(f"  {reason.code}: {reason.text}"))
    if finding.vertebrae:
        console.print(_vertebrae(finding))
        for line in (*_notes(finding), *_legend(finding)):
            console.print(Text(line))
    for series in finding.series:
        if verbose or not series.chosen or len(finding.series) > 1:
            console.print(Text(_series_line(series)))
    if verbose:
        _print_manifest(console, finding)


def _headline(finding: StudyFinding) -> Text:
    text = Text("\n")
    text.append(STATE_WORDS[finding.state], style=STATE_STYLES[finding.state])
    if finding.score is not None:
        text.append(f"  probability of a fracture of grade 2 or more: {finding.score:.2f}")
    return text


def _vertebrae(finding: StudyFinding) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name, justify in COLUMNS:
        table.add_column(
            name,
            justify=justify,  # type: ignore[arg-type]
            no_wrap=True,
        )
    for vertebra in finding.vertebrae:
        table.add_row(*_row(vertebra))
    return table


def _row(vertebra: VertebraFinding) -> list[Text | str]:
    grade = vertebra.genant_grade
    return [
        vertebra.level + ("?" if vertebra.level_uncertain else ""),
        *(_number(height_mm, 1) for height_mm in _three(vertebra.heights_mm)),
        _number(_largest(vertebra.height_sd_mm), 1),
        _number(None if vertebra.loss_fraction is None else 100 * vertebra.loss_fraction, 0),
        Text("–") if grade is None else Text(f" {grade} ", style=GRADE_STYLES[grade]),
        vertebra.shape or "–",
        _number(vertebra.probability_grade_2_or_more, 2),
        _number(vertebra.attenuation_hu, 0),
    ]


def _notes(finding: StudyFinding) -> list[str]:
    """What could not be judged, and what is to be kept in mind, one line per vertebra and matter."""
    lines = []
    for vertebra in finding.vertebrae:
        if vertebra.not_measured:
            lines.append(
                f"{vertebra.level}: {vertebra.not_measured} {vertebra.not_measured_text or ''}".rstrip()
            )
        lines += [f"{vertebra.level}: {x.kind} {x.text}" for x in vertebra.confounders]
    return lines


def _largest(triple: HeightTriple | None) -> float | None:
    return None if triple is None else max(triple.anterior, triple.middle, triple.posterior)


def _three(triple: HeightTriple | None) -> tuple[float | None, ...]:
    return (None,) * 3 if triple is None else (triple.anterior, triple.middle, triple.posterior)


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"


def _legend(finding: StudyFinding) -> list[str]:
    lines = ["± one standard deviation of the least certain height. Loss: against what is expected there."]
    if any(vertebra.level_uncertain for vertebra in finding.vertebrae):
        lines.append("? the level's name is uncertain.")
    return lines


def _series_line(series: SeriesFinding) -> str:
    spacing = "" if series.slice_spacing_mm is None else f", {series.slice_spacing_mm:.2f} mm"
    verb = "read" if series.chosen else "left out"
    return (
        f"{verb}: {series.description or series.modality}, {series.n_slices} slices{spacing}: {series.text}"
    )


def _print_manifest(console: Console, finding: StudyFinding) -> None:
    manifest = finding.manifest
    networks = ", ".join(f"{x.name} {x.version} ({x.sha256[:12]})" for x in manifest.networks)
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in manifest.timings_s.items())
    console.print(Text(f"spondyl {manifest.spondyl_version}, settings {manifest.settings_sha256[:12]}"))
    console.print(Text(f"networks: {networks}; {manifest.engine}, {manifest.precision}"))
    console.print(Text(f"times: {times}"))
