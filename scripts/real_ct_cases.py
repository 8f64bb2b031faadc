"""Lists the real CTs at hand with their truth, for ``spondyl evaluate``.

``python scripts/real_ct_cases.py OUT [--data ../shared/data]`` writes OUT/cases.json; then
``spondyl evaluate OUT --out RESULTS``. The demo CT comes out of its public package.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from spondyl.adapters import demo_ct

# name -> input, six points, label map and its scheme; paths under the data folder
CASES: dict[str, dict[str, str]] = {
    "nsclcrg_R01-001": {"ct": "ct/nsclcrg_R01-001.nii.gz", "points": "annotations/nsclcrg_R01-001.json"},
    "cmbcrc_01068": {"ct": "ct/cmbcrc_01068.nii.gz", "points": "annotations/cmbcrc_01068.json"},
    "totalseg-example": {
        "ct": "masks/totalseg-example/ct.nii.gz",
        "points": "annotations/totalseg-example.json",
        "masks": "masks/totalseg-example/totalseg.nii.gz",
        "scheme": "totalsegmentator",
    },
    "acrinflt_001_lower": {"ct": "dicom/acrinflt_001", "points": "annotations/acrinflt_001_lower.json"},
    "crlm_1006": {"ct": "dicom/crlm_1006", "points": "annotations/crlm_1006.json"},
    "totalseg-aorta": {"ct": "masks/totalseg-aorta/ct.nii.gz", "masks": "masks/totalseg-aorta"},
    "tptbox-L3": {
        "ct": "masks/tptbox-L3/sub-ct_label-22_ct.nii.gz",
        "masks": "masks/tptbox-L3/sub-ct_seg-vert_label-22_msk.nii.gz",
        "scheme": "verse",
    },
}
_PATHS = ("ct", "points", "masks")


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPONDYL_DATA", "../shared/data")))
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    demo = demo_ct.fetch(demo_ct.cache_folder())
    rows = [
        {
            "name": "demo_chest",
            "ct": str(demo),
            "points": str(data / "annotations" / "demo_chest.json"),
            "masks": str(demo.parent / demo_ct.LABEL_MAP.name),
            "scheme": "totalsegmentator",
        }
    ]
    for name, files in CASES.items():
        placed = {key: str(data / value) if key in _PATHS else value for key, value in files.items()}
        rows.append({"name": name, **placed})
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / "cases.json"
    target.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(f"written: {target}, {len(rows)} CTs")


if __name__ == "__main__":
    main()
