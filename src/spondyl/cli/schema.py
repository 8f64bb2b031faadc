"""``spondyl schema``: the JSON Schema of finding.json."""

from __future__ import annotations

from importlib import resources

import typer


def schema() -> None:
    """Print the JSON Schema of finding.json."""
    typer.echo(
        resources.files("spondyl.stages.report").joinpath("finding.schema.json").read_text("utf-8"), nl=False
    )
