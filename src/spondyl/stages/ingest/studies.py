"""One input is one study of one patient, with one stated exception."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from spondyl.domain.refusal import RefusalCode
from spondyl.stages.ingest.refused import refuse
from spondyl.stages.ingest.stacks import Stack


def check_one_study(stacks: Sequence[Stack]) -> list[Stack]:
    """Refuse an input of several patients or studies; mark the stacks where the exception holds.

    The exception: an examination that was sent as several studies of one patient, whose stacks do not
    overlap from head to foot. They are read together, and each stack says so. Studies that overlap
    show the same vertebrae at different times, and one finding must not mix them.

    Raises:
        RefusedError: SEVERAL_STUDIES, with counts only.
    """
    headers = [header for stack in stacks for header in stack.slices]
    patients = {header.patient_key for header in headers if header.patient_key}
    studies = {header.study_uid for header in headers if header.study_uid}
    if len(patients) <= 1 and len(studies) <= 1:
        return list(stacks)
    is_one_patient = len(patients) == 1 and all(header.patient_key for header in headers)
    if not (is_one_patient and _show_different_parts(stacks, studies)):
        refuse(
            RefusalCode.SEVERAL_STUDIES,
            f"{len(studies)} studies of {len(patients) or 'unknown'} patient(s).",
            "one study; run each study by itself.",
        )
    note = f"{len(studies)} studies of one patient read together: they show different parts of the body"
    return [replace(stack, repairs=(note, *stack.repairs)) if stack.line else stack for stack in stacks]


def _show_different_parts(stacks: Iterable[Stack], studies: set[str]) -> bool:
    ranges: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for stack in stacks:
        if stack.z_range_mm is not None:
            ranges[stack.slices[0].study_uid].append(stack.z_range_mm)
    if ranges.keys() != studies:
        return False
    whole = sorted(
        (min(low for low, _ in parts), max(high for _, high in parts)) for parts in ranges.values()
    )
    return all(lower[1] <= upper[0] for lower, upper in pairwise(whole))
