"""Write docs/reference/settings.md from the settings' types: ``python scripts/write_settings_reference.py``.

A tree test compares the page with what this script gives.
"""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from spondyl.domain.segmenter import SegmenterSettings
from spondyl.pipeline import StageSettings
from spondyl.stages.report import DicomSettings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "settings.md"
HEAD = """# Settings

Written by `scripts/write_settings_reference.py` from the types; not by hand.

A TOML file (`spondyl analyze --settings FILE`) or the environment sets them. The command line stands over
the environment, and the environment over the file.

```toml
engine = "onnxruntime"   # auto, onnxruntime, openvino
threads = 2

[stages.report]
tile_probability = 0.3
```

The same in the environment: `SPONDYL_ENGINE=onnxruntime`, `SPONDYL_STAGES__REPORT__TILE_PROBABILITY=0.3`.
`SPONDYL_WEIGHTS_FOLDER` (`weights_folder`) names a folder with other networks and their `weights.json`.
A name that is not known, or a value that is not allowed, ends with exit code 2.
"""


def page() -> str:
    """The whole page."""
    defaults = StageSettings()
    parts = [HEAD]
    for stage in fields(StageSettings):
        parts += _section(f"stages.{stage.name}", getattr(defaults, stage.name))
    parts += _section("dicom", DicomSettings())
    parts += _section("segmenter", SegmenterSettings())
    return "\n".join(parts)


def _section(title: str, settings: DataclassInstance) -> list[str]:
    rows = [f"| `{field.name}` | `{getattr(settings, field.name)!r}` |" for field in fields(settings)]
    return [
        f"\n## `{title}`\n",
        f"```text\n{inspect.getdoc(type(settings))}\n```\n",
        "| setting | value |\n|---|---|",
        *rows,
        "",
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
