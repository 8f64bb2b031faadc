"""Write the JSON Schema of finding.json: ``python -m spondyl.stages.report.publish_schema PATH ...``.

In the repository the paths are docs/reference/finding.schema.json and
src/spondyl/stages/report/finding.schema.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from spondyl.stages.report.schema import generate_schema

if __name__ == "__main__":
    for path in sys.argv[1:]:
        Path(path).write_text(generate_schema(), encoding="utf-8")
