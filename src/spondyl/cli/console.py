"""The two consoles: answers go to stdout, everything else to stderr. NO_COLOR is honoured by rich."""

from __future__ import annotations

import sys

from rich.console import Console

PLAIN_WIDTH = 120  # of a pipe or a file, which have no width of their own


def answers() -> Console:
    """Console on stdout."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def asides() -> Console:
    """Console on stderr: progress and remarks."""
    return Console(stderr=True, highlight=False)
