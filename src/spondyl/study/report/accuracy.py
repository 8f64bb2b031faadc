"""Sensitivity despite partial verification, predictive values elsewhere, agreement, burden of the alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from spondyl.study.report.agreeing import Agreement
from spondyl.study.report.layout import Cell, Count, FigureRow, FigureTable, PlainTable
from spondyl.study.report.results import Results
from spondyl.study.statistics import (
    Answer,
    Estimate,
    Inference,
    PartialVerification,
    StudyCounts,
    VerificationMethod,
    VerificationSettings,
    Workplace,
    alert_burden,
    negative_predictive_value,
    predictive_values,
    prevalence,
    sensitivity,
    specificity,
    what_if,
)

_FALSE_OMISSIONS = (0.0, 0.01, 0.02, 0.05, 0.10)  # clinical-methods 5.5: the what-if table
_PREVALENCES = (0.05, 0.10, 0.15, 0.20, 0.28, 0.35)  # clinical-methods 5.5: PPV moves with prevalence
_INTERVALS = (
    (Inference.POPULATION, VerificationMethod.WILSON),
    (Inference.POPULATION, VerificationMethod.LOGIT),
    (Inference.POPULATION, VerificationMethod.EXACT),
    (Inference.COHORT, VerificationMethod.LOGIT),
    (Inference.COHORT, VerificationMethod.EXACT),
)
_ESTIMATORS: tuple[tuple[str, Callable[[PartialVerification, VerificationSettings], Answer]], ...] = (
    ("sensitivity", sensitivity),
    ("specificity", specificity),
    ("negative predictive value", negative_predictive_value),
    ("prevalence", prevalence),
)


def accuracy(results: Results) -> FigureTable:
    """Accuracy by case; every interval beside the others."""
    study = results.verification
    confidence = results.data.protocol.analysis.confidence.value
    rows = []
    for words, estimate in _ESTIMATORS:
        for inference, method in _INTERVALS:
            settings = VerificationSettings(inference=inference, method=method, confidence=confidence)
            rows.append(FigureRow(labels=(words, inference.value), answer=estimate(study, settings)))
            if not results.negatives.read:
                break  # there is nothing to say by any method
    return FigureTable(
        name="accuracy",
        title="Accuracy by case, every flagged case read and a sample of the others",
        columns=("measure", "for"),
        rows=tuple(rows),
        note="Missed cases are extrapolated from the sample by stratum (Begg and Greenes): a numerator need "
        "not be whole. With few missed cases found these figures are unsteady: see the strata.",
    )


def strata(results: Results) -> PlainTable:
    """What was read of the cases that were not flagged."""
    rows = [
        (
            x.name.replace("_", " "),
            x.cases,
            Count(part=x.read, whole=x.cases),
            Count(part=x.found, whole=x.read),
        )
        for x in results.negatives.strata
    ]
    outside = len(results.negatives.outside)
    return PlainTable(
        name="negatives",
        title="Cases not flagged: sample, read, fractured",
        columns=("stratum", "cases", "read", "fractured"),
        rows=tuple(rows),
        note=f"{outside} case(s) were read outside the sample of the protocol and do not count here."
        if outside
        else "",
    )


def what_if_table(results: Results) -> PlainTable:
    """What the sensitivity would be for supposed shares of fractures among the cases not flagged."""
    study = results.verification
    rows: tuple[tuple[Cell, ...], ...] = ()
    if study.true_positives and study.n_negative:
        rows = tuple(
            (
                f"{100 * x.false_omission_fraction:.0f} %",
                round(x.false_negatives, 1),
                round(x.sensitivity, 3),
                round(x.specificity, 3),
                round(x.prevalence, 3),
            )
            for x in what_if(study.true_positives, study.false_positives, study.n_negative, _FALSE_OMISSIONS)
        )
    return PlainTable(
        name="what_if",
        title="If this share of the cases not flagged had a fracture",
        columns=("share supposed", "missed cases", "sensitivity", "specificity", "prevalence"),
        rows=rows,
        note=f"From {study.true_positives} confirmed, {study.false_positives} not confirmed and "
        f"{study.n_negative} not flagged cases. A supposition, no result.",
    )


def elsewhere(results: Results) -> FigureTable | None:
    """Predictive values at other prevalences; None where sensitivity or specificity cannot be said."""
    settings = VerificationSettings(confidence=results.data.protocol.analysis.confidence.value)
    se, sp = (estimate(results.verification, settings) for estimate in (sensitivity, specificity))
    if not (isinstance(se, Estimate) and isinstance(sp, Estimate)):
        return None
    rows = [
        FigureRow(labels=(f"{100 * x.prevalence_fraction:.0f} %", name), answer=answer)
        for x in predictive_values(se, sp, _PREVALENCES)
        for name, answer in (("PPV", x.ppv), ("NPV", x.npv))
    ]
    return FigureTable(
        name="predictive_values",
        title="Predictive values where fractures are more or less frequent",
        columns=("prevalence", "value of"),
        rows=tuple(rows),
        note="From the sensitivity and specificity above, taken to hold elsewhere: a model, no observation.",
    )


def agreement(results: Results) -> FigureTable:
    """Raw agreement, kappa and Gwet's coefficient of every comparison, always together."""
    rows = [row for one in results.agreements for row in _agreement_rows(one)]
    return FigureTable(
        name="agreement",
        title="Agreement",
        columns=("compared", "coefficient"),
        rows=tuple(rows),
        note="Kappa falls where nearly all cases are alike, AC1 and AC2 hardly move: so both are given. "
        "Cases that a reader could not judge are left out.",
    )


def agreement_tables(results: Results) -> tuple[PlainTable, ...]:
    """The tables of answers behind the figures, rows the first of the two."""
    return tuple(
        PlainTable(
            name=f"agreement_{one.name}",
            title=f"Answers: {one.what}",
            columns=("first", *one.labels),
            rows=tuple((label, *row) for label, row in zip(one.labels, one.table.tolist(), strict=True)),
        )
        for one in results.agreements
    )


def burden(results: Results) -> FigureTable | None:
    """What the alerts cost, where study.toml tells the workplace."""
    place = results.data.facts.workplace
    if place is None or results.open or results.without_report:
        return None
    decided = {x.case_id for x in results.presented if x.suitable is not None}
    suitable = {x.case_id for x in results.presented if x.suitable}
    counts = StudyCounts(
        cases=len(results.flow.analysed),
        flagged=len(results.flagged),
        confirmed=len(results.confirmed),
        not_reported=len(results.not_reported),
        actionable=len(decided),
        suitable=len(suitable),
    )
    workplace = Workplace(
        studies_per_day=place.studies_per_day,
        readers=place.readers,
        minutes_per_alert=place.minutes_per_alert,
    )
    cost = alert_burden(counts, workplace, confidence=results.data.protocol.analysis.confidence.value)
    rows = (
        ("alerts per reader and day", cost.alerts_per_reader_day, 1.0),
        ("minutes per reader and day", cost.minutes_per_reader_day, 1.0),
        ("confirmed and in the report already", cost.already_reported, 100.0),
        ("alerts per fracture presented for intervention", cost.alerts_per_actionable_case, 1.0),
    )
    return FigureTable(
        name="alert_burden",
        title="Burden of the alerts",
        columns=("figure",),
        rows=tuple(FigureRow(labels=(words,), answer=answer, scale=scale) for words, answer, scale in rows),
        note=f"For {place.studies_per_day:g} scans a day, {place.readers:g} readers and "
        f"{place.minutes_per_alert:g} minutes an alert, as study.toml says.",
    )


def _agreement_rows(one: Agreement) -> Iterator[FigureRow]:
    figures = one.figures
    yield FigureRow(labels=(one.what, "raw agreement"), answer=figures.raw)
    names = ("kappa", "AC1") if len(one.labels) == 2 else ("kappa, quadratic", "AC2, quadratic")
    for name, answer in zip(names, (figures.kappa, figures.gwet), strict=True):
        yield FigureRow(labels=(one.what, name), answer=answer, scale=1.0)
    if one.clustered is not None:
        yield FigureRow(labels=(one.what, "kappa, quadratic, over patients"), answer=one.clustered, scale=1.0)
