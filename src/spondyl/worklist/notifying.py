"""Whether a study is told of, and to whom: rules over what was found and what the report says."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from spondyl.domain.finding import State
from spondyl.study.mentions import Category
from spondyl.worklist.priority import Suspicion

_MENTIONED = frozenset({Category.R1, Category.R2})


class Channel(StrEnum):
    """How a message goes out."""

    WEBHOOK = "webhook"
    EMAIL = "email"


class Rule(BaseModel):
    """One rule of notification.

    name: stands in the message and in the list of messages sent.
    target: URL of the webhook, or the address of the mail.
    minimum_grade: from this Genant grade on.
    only_not_mentioned: only where a report text is here and mentions no vertebral fracture.
    """

    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9 _-]+$")
    channel: Channel
    target: str = Field(min_length=3, max_length=500)
    minimum_grade: int = Field(default=2, ge=1, le=3)
    only_not_mentioned: bool = False

    model_config = ConfigDict(frozen=True, extra="forbid")

    def holds(self, suspicion: Suspicion, report: Category | None) -> bool:
        """Whether this study is told of; ``report`` is None while no report text is here."""
        if suspicion.state is not State.FLAG or (suspicion.worst_grade or 0) < self.minimum_grade:
            return False
        return not self.only_not_mentioned or (report is not None and report not in _MENTIONED)


def message_id(study_id: str, rule_name: str, analysis: int) -> str:
    """The same for the same study, rule and analysis, so that a receiver can drop what comes twice."""
    return hashlib.sha256(f"{study_id}|{rule_name}|{analysis}".encode()).hexdigest()[:32]
