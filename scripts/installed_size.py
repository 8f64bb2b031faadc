"""Print what the packages of this environment weigh; fail where the core install is too heavy or has torch.

``python scripts/installed_size.py``: counts every file that pip recorded for every distribution, compiled
files included, but for pip and setuptools, which come with any environment.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

LIMIT_MB = 500.0
BELONG_TO_THE_ENVIRONMENT = {"pip", "setuptools", "wheel"}
SHOWN = 12


def installed_bytes(distribution: metadata.Distribution) -> int:
    """Bytes of all files of one distribution, as recorded when it was installed."""
    paths = {Path(str(distribution.locate_file(file))) for file in distribution.files or ()}
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> int:
    """Print the heaviest packages and the sum; 1 where the limit is passed or torch is there."""
    sizes = {
        distribution.metadata["Name"].lower(): installed_bytes(distribution)
        for distribution in metadata.distributions()
    }
    counted = {name: size for name, size in sizes.items() if name not in BELONG_TO_THE_ENVIRONMENT}
    total_mb = sum(counted.values()) / 1e6
    for name, size in sorted(counted.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{total_mb:8.1f} MB  in {len(counted)} packages (limit {LIMIT_MB:.0f} MB, without torch)")
    if "torch" in sizes:
        print("torch is installed here: this is not the core install")
    return int(total_mb > LIMIT_MB or "torch" in sizes)


if __name__ == "__main__":
    sys.exit(main())
