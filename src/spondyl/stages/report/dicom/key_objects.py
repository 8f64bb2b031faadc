"""KOS: the source slices of the vertebrae that ask for a look, so that a viewer can jump to them."""

from __future__ import annotations

import highdicom
from pydicom.dataset import Dataset

from spondyl.stages.report.dicom import codes
from spondyl.stages.report.dicom.pointed_out import PointedOut
from spondyl.stages.report.dicom.result_set import NOT_FOR_DIAGNOSIS_SHORT, ResultSet
from spondyl.stages.report.dicom.source import with_attributes
from spondyl.stages.report.wording import grade_words, level_words

_KIND = "key images"


def make_key_objects(results: ResultSet, shown: tuple[PointedOut, ...]) -> Dataset | None:
    """The selection; None where no vertebra asks for a look, or none has a slice of its own."""
    instances: dict[str, Dataset] = {}
    frames: dict[str, set[int]] = {}
    for one in shown:
        by_uid = {str(x.SOPInstanceUID): x for x in one.source.instances()}
        for k in one.slices:
            reference = one.source.reference(k)
            assert reference is not None
            instances[reference.sop_instance_uid] = by_uid[reference.sop_instance_uid]
            if reference.frame_number is not None:
                frames.setdefault(reference.sop_instance_uid, set()).add(reference.frame_number)
    if not instances:
        return None
    content = highdicom.ko.KeyObjectSelection(
        document_title=codes.OF_INTEREST,
        referenced_objects=[
            # highdicom tells an image from another object by its size
            with_attributes(x, Rows=1, Columns=1)
            for x in instances.values()
        ],
        observer_device_context=results.observer(),
        description=_description(shown),
    )
    for item in content[0].ContentSequence:
        if item.ValueType == "IMAGE":
            reference = item.ReferencedSOPSequence[0]
            if numbers := frames.get(str(reference.ReferencedSOPInstanceUID)):
                reference.ReferencedFrameNumber = sorted(numbers)
    document = highdicom.ko.KeyObjectSelectionDocument(
        evidence=list(instances.values()),
        content=content,
        **results.place(_KIND, 2, str(results.settings.most_tiles)),
    )
    return results.finish(document)


def _description(shown: tuple[PointedOut, ...]) -> str:
    vertebrae = "; ".join(f"{level_words(one.vertebra)}: {_words(one)}" for one in shown)
    return f"Spondyl ({NOT_FOR_DIAGNOSIS_SHORT}). {vertebrae}"


def _words(one: PointedOut) -> str:
    probability = one.vertebra.probability_grade_2_or_more
    likely = "" if probability is None else f", probability of grade 2 or more {probability:.2f}"
    return f"{grade_words(one.vertebra)}{likely}"
