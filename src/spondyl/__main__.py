"""``python -m spondyl``: the same as the command ``spondyl``."""

from __future__ import annotations

from spondyl.cli import main

if __name__ == "__main__":
    main()
