"""Parts of the installation that only some commands need, and how one says that they are not there."""

from __future__ import annotations


class ExtraMissingError(Exception):
    """A package that this command needs is not installed; the message says how to get it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; install it with `pip install 'spondyl[{extra}]'`")
