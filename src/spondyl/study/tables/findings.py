"""From a finding to the rows of the tables."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from spondyl.domain.confounder import Effect
from spondyl.domain.finding import HeightTriple, Manifest, SeriesFinding, State, StudyFinding, VertebraFinding
from spondyl.domain.grading import Shape
from spondyl.domain.level import Level
from spondyl.study.tables.rows import CaseRow, FailureCode, StudyRow, VertebraRow, View


def study_of(case: CaseRow, finding: StudyFinding) -> StudyRow:
    """The row of a case that was answered."""
    counted = [grade for one in finding.vertebrae if (grade := _counted_grade(one)) is not None]
    series = _main_series(finding)
    manifest = finding.manifest
    return StudyRow(
        case_id=case.case_id,
        patient_id=case.patient_id or case.case_id,
        state=finding.state,
        score_probability=finding.score,
        reasons=" ".join(reason.code for reason in finding.reasons),
        refusal_code=finding.refusal.code if finding.refusal else None,
        vertebrae=len(finding.vertebrae),
        vertebrae_graded=sum(one.genant_grade is not None for one in finding.vertebrae),
        highest_grade=max(counted, default=None),
        age_years=case.age_years,
        sex=case.sex,
        site=case.site,
        slice_spacing_mm=series.slice_spacing_mm if series else None,
        pixel_spacing_mm=series.pixel_spacing_mm[0] if series and series.pixel_spacing_mm else None,
        kernel=series.kernel if series else None,
        input_sha256=manifest.input_sha256,
        settings_sha256=manifest.settings_sha256,
        networks_sha256=networks_sha256(manifest),
        spondyl_version=manifest.spondyl_version,
        engine=engine_of(manifest),
    )


def failed_study(case: CaseRow, code: FailureCode) -> StudyRow:
    """The row of a case whose analysis broke off."""
    return StudyRow(
        case_id=case.case_id,
        patient_id=case.patient_id or case.case_id,
        state=State.NOT_EVALUABLE,
        failure_code=code,
        age_years=case.age_years,
        sex=case.sex,
        site=case.site,
    )


def vertebrae_of(case: CaseRow, finding: StudyFinding) -> Iterator[VertebraRow]:
    """The rows of a case's vertebrae, in the order of the finding."""
    for one in finding.vertebrae:
        x, y, z = one.centre_lps_mm
        yield VertebraRow(
            case_id=case.case_id,
            series_id=one.series_id,
            level=Level(one.level),
            label=one.label,
            level_probability=one.level_probability,
            level_uncertain=one.level_uncertain,
            in_view=View(one.in_view),
            centre_x_lps_mm=x,
            centre_y_lps_mm=y,
            centre_z_lps_mm=z,
            **_heights(one),
            depth_mm=one.depth_mm,
            loss_fraction=one.loss_fraction,
            loss_sd=one.loss_sd,
            genant_grade=one.genant_grade,
            counted_grade=_counted_grade(one),
            shape=Shape(one.shape) if one.shape else None,
            probability_grade_2_or_more=one.probability_grade_2_or_more,
            attenuation_hu=one.attenuation_hu,
            not_measured=one.not_measured,
            confounders=" ".join(found.kind for found in one.confounders),
        )


def networks_sha256(manifest: Manifest) -> str:
    """One fingerprint for all networks of a result."""
    text = " ".join(sorted(f"{network.name}:{network.sha256}" for network in manifest.networks))
    return hashlib.sha256(text.encode()).hexdigest()


def engine_of(manifest: Manifest) -> str:
    """The engine without its number of threads, which is the machine's and changes no result."""
    return f"{manifest.engine.split(',')[0]} {manifest.precision}"


def _counted_grade(one: VertebraFinding) -> int | None:
    """The grade that may flag the case, as the finding counts it; 0 where it is rejected or excluded.

    None where there is no grade.
    """
    effects = {found.effect for found in one.confounders}
    if one.genant_grade is not None and effects & {Effect.REJECT.value, Effect.EXCLUDE.value}:
        return 0
    if one.genant_grade is None or one.counted_grade is not None:
        return one.counted_grade
    # of a finding made before it told the grade that counts
    return max(0, one.genant_grade - (Effect.DOWNGRADE.value in effects))


def _main_series(finding: StudyFinding) -> SeriesFinding | None:
    """The series that was read; of several the one with most slices."""
    read = [series for series in finding.series if series.chosen]
    return max(read, key=lambda series: (series.n_slices, series.series_id), default=None)


def _heights(one: VertebraFinding) -> dict[str, float | None]:
    triples: tuple[tuple[str, HeightTriple | None], ...] = (
        ("{}_height_mm", one.heights_mm),
        ("{}_height_sd_mm", one.height_sd_mm),
        ("expected_{}_height_mm", one.expected_heights_mm),
    )
    return {
        name.format(place): None if triple is None else getattr(triple, place)
        for name, triple in triples
        for place in ("anterior", "middle", "posterior")
    }
