"""Where an unforeseen error arose, told without its text: this could hold a patient's data."""

from __future__ import annotations

import traceback
from pathlib import Path


def error_place(error: BaseException) -> str:
    """Type of the error, and the innermost line of ours, or of a library where none of ours is there."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "spondyl" in Path(frame.filename).parts] or list(frames)
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"
    return f"{type(error).__name__} at {place}"
