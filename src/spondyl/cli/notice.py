"""The sentence that every visible output carries, without the cost of importing the domain."""

from __future__ import annotations

NOTICE = "Research use only. Not a medical device, not for diagnosis."
