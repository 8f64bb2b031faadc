"""Finds vertebral compression fractures on CT. Research use only, not a medical device."""

from __future__ import annotations

__version__ = "0.1.0"
