"""Write docs/reference/settings.md from the settings' types: ``python scripts/write_settings_reference.py``.

A tree test compares the page with what this script gives.
"""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

from spondyl.pipeline import StageSettings

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
        settings = getattr(defaults, stage.name)
        parts.append(f"\n## `stages.{stage.name}`\n")
        parts.append(f"```text\n{inspect.getdoc(type(settings))}\n```\n")
        parts.append("| setting | value |\n|---|---|")
        parts += [f"| `{field.name}` | `{getattr(settings, field.name)!r}` |" for field in fields(settings)]
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
