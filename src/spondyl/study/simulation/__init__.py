"""A study made up at the level of its records, by seed, to see the whole report before the first patient.

In: a design (``mniai2025.toml``: the counts of the published abstract, and what we had to choose) and a seed.
Out: the tables, records and report texts of every case, as a cohort run, a reading station and an archive
would give them. Nobody in them exists. The report on them has to come to the published counts by its own
rules: import, report reader and statistics know nothing of the design.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.study.mentions import Category, read_report
from spondyl.study.protocol import Protocol
from spondyl.study.records import InterventionalReview, ReadingRecord
from spondyl.study.sampling import UnflaggedCase, sample_negatives
from spondyl.study.simulation.design import SHIPPED, Design, shipped_design, shipped_facts
from spondyl.study.simulation.interventions import review_cases
from spondyl.study.simulation.patients import Patient, make_patient
from spondyl.study.simulation.plans import plans
from spondyl.study.simulation.readers import read_cases
from spondyl.study.simulation.texts import report_text
from spondyl.study.tables import ReportRow, StudyRow, VertebraRow

__all__ = ["SHIPPED", "Design", "SimulatedStudy", "shipped_design", "shipped_facts", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedStudy:
    """The tables of a study whose patients do not exist."""

    studies: tuple[StudyRow, ...]
    vertebrae: tuple[VertebraRow, ...]
    readings: tuple[ReadingRecord, ...]
    interventions: tuple[InterventionalReview, ...]
    reports: tuple[ReportRow, ...]


def simulate(design: Design, protocol: Protocol, seed: int) -> SimulatedStudy:
    """Make the study; the same design, protocol and seed give the same records.

    The readers read all flagged cases and the sample of the others that the protocol draws.

    Raises:
        RuntimeError: the readers of the design err so often that no reading comes to its counts.
    """
    generator = np.random.default_rng(seed)
    patients = [
        make_patient(number, plan, design, generator)
        for number, plan in enumerate(plans(design, generator), start=1)
    ]
    reports = tuple(
        report_text(x, "fr" if generator.random() < design.ours.french_fraction else "en", generator)
        for x in patients
    )
    sampled = _sampled(patients, reports, protocol)
    return SimulatedStudy(
        studies=tuple(x.study for x in patients),
        vertebrae=tuple(row for x in patients for row in x.vertebrae),
        readings=read_cases(patients, sampled, protocol, design.ours.readers, generator),
        interventions=review_cases(patients, design, generator),
        reports=reports,
    )


def _sampled(patients: list[Patient], reports: tuple[ReportRow, ...], protocol: Protocol) -> list[str]:
    """The cases not flagged that are read, as a study would draw them."""
    unflagged = [
        UnflaggedCase(
            case_id=patient.case_id,
            score_probability=patient.study.score_probability or 0.0,
            report_names_fracture=read_report(report.text, report.lang).case in {Category.R1, Category.R2},
        )
        for patient, report in zip(patients, reports, strict=True)
        if not patient.marks
    ]
    return [case for stratum in sample_negatives(protocol, unflagged) for case in stratum.to_read]
