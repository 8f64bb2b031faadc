"""What every reader of truth raises when a file or folder is not what it should be."""

from __future__ import annotations


class TruthError(Exception):
    """The truth of a CT cannot be read: what was got, what is needed."""
