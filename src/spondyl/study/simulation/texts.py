"""Radiology reports of the simulated cases, from varied sentences in French and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from spondyl.domain.level import Level
from spondyl.study.mentions import Category
from spondyl.study.records import RejectionReason
from spondyl.study.simulation.patients import SEEN, Patient
from spondyl.study.tables import ReportRow

_HISTORY_SHOWN = 0.5  # ours: how often the bones are told before the abdomen, not at the end
_SCLEROTIC_SAID = 0.6  # ours: of false positives by a sclerotic metastasis, that the report names


def report_text(patient: Patient, lang: str, generator: np.random.Generator) -> ReportRow:
    """The report of a case: what it says of the spine is the plan's category."""
    words = _words(lang)
    said = _said(patient, generator)

    def pick(part: str) -> str:
        options = words[part]
        return str(options[int(generator.integers(len(options)))])

    level = _level_said(patient, generator)
    place = SEEN.index(level)
    other = SEEN[place + 1] if place + 1 < len(SEEN) else SEEN[place - 1]
    options = words["bones"][said.value]
    bones = str(options[int(generator.integers(len(options)))]).format(level=level.value, other=other.value)
    is_history = said is Category.R0C
    silent = str(words["bones"]["N"][int(generator.integers(len(words["bones"]["N"])))])
    findings = [pick("chest"), pick("abdomen"), pick("pelvis")]
    findings.insert(2 if generator.random() < _HISTORY_SHOWN else 3, silent if is_history else bones)
    lines = [pick("heading"), f"{pick('indication_head')} {pick('indication')}"]
    if is_history:
        lines.append(f"{pick('history_head')} {bones}")
    lines += [
        f"{pick('technique_head')} {pick('technique')}",
        f"{pick('findings_head')} {' '.join(x for x in findings if x)}",
        f"{pick('conclusion_head')} {pick('conclusion')}",
    ]
    return ReportRow(case_id=patient.case_id, text="\n".join(lines), lang=lang)


def _said(patient: Patient, generator: np.random.Generator) -> Category:
    is_lesion = patient.plan.cause is RejectionReason.SCLEROTIC_METASTASIS
    if is_lesion and generator.random() < _SCLEROTIC_SAID:
        return Category.R0B
    return patient.plan.said


def _level_said(patient: Patient, generator: np.random.Generator) -> Level:
    if patient.fractures:
        return patient.fractures[0].level
    if patient.marks:
        return next(iter(patient.marks))
    return SEEN[int(generator.integers(len(SEEN)))]


@cache
def _words(lang: str) -> dict[str, Any]:
    text = (files("spondyl.study.simulation") / "sentences" / f"{lang}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
