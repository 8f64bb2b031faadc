"""The reading form's fields as an answer."""

from __future__ import annotations

import re

from spondyl.web.forms import Fields
from spondyl.worklist.answering import CaseAnswer

_DECISION = re.compile(r"^v(\d{1,2})_decision$")
_CHOICES = ("decision", "reason", "grade", "shape", "nature", "age", "comment")


def answer_from(form: Fields) -> CaseAnswer:
    """The answer; a vertebra without a decision is not spoken of.

    Raises:
        pydantic.ValidationError: a value that no field of ours sends.
    """
    places = sorted(
        int(match[1]) for name in form.values if (match := _DECISION.match(name)) and form.one(name)
    )
    vertebrae = [
        {
            "vertebra": place,
            "treated": bool(form.one(f"v{place}_treated")),
            **{name: value for name in _CHOICES if (value := form.one(f"v{place}_{name}"))},
        }
        for place in places
    ]
    case = {
        name: value
        for name in ("level_shift", "case_decision", "case_reason", "confidence", "comment", "change_reason")
        if (value := form.one(name))
    }
    return CaseAnswer.model_validate({"vertebrae": vertebrae, **case})
