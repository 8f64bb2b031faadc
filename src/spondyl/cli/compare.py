"""``spondyl compare``: a CT against earlier ones of the same patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spondyl.cli.analyze import EngineOption, QuietOption, SettingsOption, ThreadsOption, load_settings
from spondyl.cli.exit_codes import ExitCode
from spondyl.cli.failures import failures_told, stop
from spondyl.cli.notice import NOTICE

if TYPE_CHECKING:
    from spondyl.domain.finding import StudyFinding
    from spondyl.study.priors import Comparison

_HELP = "CT as for analyze, a folder of results, or a finding.json."
CurrentArgument = Annotated[Path, typer.Argument(help=f"The later scan: {_HELP}", metavar="CURRENT")]
PriorsArgument = Annotated[
    list[Path], typer.Argument(help=f"Earlier scans, latest first: {_HELP}", metavar="PRIOR...")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print comparison.json instead of the table.")]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Folder for the comparison, and for the results of each CT read."),
]


def compare(
    current: CurrentArgument,
    priors: PriorsArgument,
    out: OutOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    settings: SettingsOption = None,
) -> None:
    """Compare a CT with earlier ones, vertebra by vertebra: new, worse, old, stable. Research use only."""
    with failures_told():
        from spondyl.adapters.comparison_files import FindingNotReadError, to_html, to_json
        from spondyl.study.priors import compare as compare_findings
        from spondyl.study.priors import trajectory

        names = ("current", *(f"prior{n}" for n in range(1, len(priors) + 1)))
        try:
            scans = _Scans(out, load_settings(settings, engine, threads), quiet=quiet)
            read = [scans.read(path, name) for path, name in zip((current, *priors), names, strict=True)]
        except FindingNotReadError as error:
            stop(str(error), ExitCode.USAGE)
        findings = [finding for finding, _ in read]
        comparison = compare_findings(findings[0], findings[1])
        text = to_json(comparison, trajectory(tuple(findings)))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / "comparison.json").write_text(text, encoding="utf-8")
            (out / "comparison.html").write_text(
                to_html(comparison, read[0][1], read[1][1]), encoding="utf-8"
            )
        if as_json:
            typer.echo(text, nl=False)
        elif not quiet:
            _print(comparison)
    raise typer.Exit(ExitCode.ANSWERED if comparison.n_matched else ExitCode.NOT_EVALUABLE)


class _Scans:
    """Reads findings where they are, and CTs with one reader that is opened when the first one needs it."""

    def __init__(self, out: Path | None, settings: object, *, quiet: bool) -> None:
        self._out, self._settings, self._quiet = out, settings, quiet
        self._reader: object | None = None

    def read(self, path: Path, name: str) -> tuple[StudyFinding, Path | None]:
        """The finding of one input, and the folder of its results where there is one."""
        from spondyl.adapters.comparison_files import find_result, read_finding

        result = find_result(path)
        if result is not None:
            return read_finding(result), result.parent
        from spondyl.cli.console import asides
        from spondyl.cli.progress import shown_progress
        from spondyl.settings import Settings
        from spondyl.wiring import Reader, open_reader

        if self._reader is None:
            assert isinstance(self._settings, Settings)
            self._reader = open_reader(self._settings)
        assert isinstance(self._reader, Reader)
        folder = None if self._out is None else self._out / name
        with shown_progress(asides(), quiet=self._quiet) as progress:
            return self._reader.read(path, folder, progress).finding, folder


def _print(comparison: Comparison) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from spondyl.cli.console import answers

    console = answers()
    console.print(Text(NOTICE, style="dim"))
    for reason in comparison.reasons:
        console.print(Text(f"  {reason}"))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("level", "prior", "status", "lost mm\nant / mid / post", "± mm", "HU", "why"):
        table.add_column(name)
    for change in comparison.changes:
        losses = change.loss_mm
        table.add_row(
            change.level,
            change.prior_level or "–",
            change.status.value.replace("_", " "),
            "–" if losses is None else " / ".join(f"{loss:+.1f}" for loss in losses),
            "–" if change.sd_mm is None else f"{max(change.sd_mm):.1f}",
            "–" if change.attenuation_change_hu is None else f"{change.attenuation_change_hu:+.0f}",
            change.text,
        )
    console.print(table)
