"""What a radiology report says of vertebral fractures, in any language that has a data file.

In: the text of a report. Out: its mentions with level, status, age, severity and exact evidence, and a
category per level and case (clinical-methods 5.3 and 6). Rules, no model: every answer can be read off the
words, and the language files are the rules' only vocabulary.
"""

from __future__ import annotations

from spondyl.study.mentions.categories import NotReported, vertebra_category
from spondyl.study.mentions.language import Language, LanguageError, load_language, shipped_languages
from spondyl.study.mentions.model import (
    UNSPECIFIED,
    Age,
    Category,
    Mention,
    ReportMentions,
    Section,
    Status,
    Term,
)
from spondyl.study.mentions.report import read_report

__all__ = [
    "UNSPECIFIED",
    "Age",
    "Category",
    "Language",
    "LanguageError",
    "Mention",
    "NotReported",
    "ReportMentions",
    "Section",
    "Status",
    "Term",
    "load_language",
    "read_report",
    "shipped_languages",
    "vertebra_category",
]
