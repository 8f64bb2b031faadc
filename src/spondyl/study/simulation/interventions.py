"""Two interventional readers of the overlooked severe fractures, and who decides where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from spondyl.domain.grading import Shape
from spondyl.study.records import (
    Access,
    Age,
    Canal,
    InterventionalReview,
    NeurologicalRisk,
    Pedicles,
    PosteriorWall,
    Role,
    Suitability,
    SuitabilityReason,
    Technique,
)
from spondyl.study.simulation.design import Design
from spondyl.study.simulation.patients import Patient
from spondyl.study.simulation.plans import SEVERE

REVIEWERS, DECIDING = ("interventional-a", "interventional-b"), "interventional-c"
_BEGIN = datetime(2024, 7, 1, 9, 0, tzinfo=UTC)  # any day after the reading serves
_STEP = timedelta(minutes=6)
_AFTER_CHECK = 0.4  # ours: of suitable answers, that ask for MRI or a clinical check before


def review_cases(
    patients: Sequence[Patient], design: Design, generator: np.random.Generator
) -> tuple[InterventionalReview, ...]:
    """The reviews of every severe fracture that a report leaves out."""
    shown = [x for x in patients if x.plan.is_absent and x.plan.worst_grade == SEVERE]
    order = generator.permutation(len(shown)).tolist()
    suitable = set(order[: design.published.suitable])
    differing = set(order[-design.ours.adjudicated_suitable :]) if design.ours.adjudicated_suitable else set()
    reviews: list[InterventionalReview] = []
    for place, patient in enumerate(shown):
        reviews += _of_case(
            patient, is_suitable=place in suitable, readers_differ=place in differing, generator=generator
        )
    dated = (replace(x, decided_at=_BEGIN + number * _STEP) for number, x in enumerate(reviews))
    return tuple(replace(x, record_id=f"i-{number:04d}") for number, x in enumerate(dated, start=1))


def _of_case(
    patient: Patient, *, is_suitable: bool, readers_differ: bool, generator: np.random.Generator
) -> Iterator[InterventionalReview]:
    says_first = is_suitable
    says_second = is_suitable is not readers_differ
    for reader, says in zip(REVIEWERS, (says_first, says_second), strict=True):
        yield _review(patient, reader, Role.READER, is_suitable=says, generator=generator)
    if readers_differ:
        yield _review(patient, DECIDING, Role.ADJUDICATOR, is_suitable=is_suitable, generator=generator)


def _review(
    patient: Patient, reader: str, role: Role, *, is_suitable: bool, generator: np.random.Generator
) -> InterventionalReview:
    (fracture,) = patient.fractures
    row = next(x for x in patient.vertebrae if x.level is fracture.level)
    loss = round(row.loss_fraction or 0.0, 2)
    checks_first = generator.random() < _AFTER_CHECK
    answer = Suitability.SUITABLE_AFTER_CHECK if checks_first else Suitability.SUITABLE
    return InterventionalReview(
        record_id="-",
        case_id=patient.case_id,
        reader=reader,
        role=role,
        decided_at=_BEGIN,
        saw_other_reader=role is Role.ADJUDICATOR,
        saw_report=False,
        level=fracture.level,
        suitability=answer if is_suitable else Suitability.NOT_SUITABLE,
        seconds_spent=round(float(generator.uniform(120.0, 420.0)), 1),
        grade=fracture.grade,
        shape=fracture.shape,
        loss_middle_fraction=loss,
        loss_anterior_fraction=loss if fracture.shape is not Shape.BICONCAVE else 0.0,
        posterior_wall=PosteriorWall.INTACT if is_suitable else PosteriorWall.DESTROYED,
        canal=Canal.NONE if is_suitable else Canal.EPIDURAL_MASS,
        neurological_risk=NeurologicalRisk.NONE if is_suitable else NeurologicalRisk.CORD,
        pedicles=Pedicles.BOTH_INTACT,
        access=Access.TRANSPEDICULAR,
        nature=fracture.nature,
        age=Age.INDETERMINATE,
        mri_needed=checks_first,
        technique=Technique.VERTEBROPLASTY if is_suitable else Technique.NONE,
        reasons=() if is_suitable else (SuitabilityReason.POSTERIOR_WALL, SuitabilityReason.EPIDURAL_MASS),
        confidence=4 if is_suitable else 3,
    )
