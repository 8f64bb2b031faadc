"""Partial verification that depends on covariates: predict the unread, or weight the read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from spondyl.study.statistics.estimate import (
    CONFIDENCE,
    Answer,
    CannotSay,
    CannotSayCode,
    Estimate,
    Remark,
    Unit,
    standard_normal_quantile,
)

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
MOST_STEPS = 50
LARGEST_COEFFICIENT = 30.0  # on standardised covariates: beyond it the classes are separated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VerificationTable:
    """One row per case. All flagged cases are read; of the others those with ``is_read``.

    is_flagged, is_read, is_fractured: shape (n,); ``is_fractured`` counts only where read. covariates: shape
    (n, D), numbers (score, age, sex as 0/1); a constant is added.

    Raises:
        ValueError: shapes that differ, values that are not finite, or a flagged case that was not read.
    """

    is_flagged: BoolArray
    is_read: BoolArray
    is_fractured: BoolArray
    covariates: FloatArray

    def __post_init__(self) -> None:
        n = len(self.is_flagged)
        if not (self.is_read.shape == self.is_fractured.shape == (n,)) or self.covariates.shape[:1] != (n,):
            raise ValueError(f"needs {n} rows in every column, as many as cases")
        if self.covariates.ndim != 2 or not np.all(np.isfinite(self.covariates)):
            raise ValueError("covariates are a table (n, D) of finite numbers; code what is missing")
        if np.any(self.is_flagged & ~self.is_read):
            raise ValueError(
                f"{int(np.sum(self.is_flagged & ~self.is_read))} flagged cases were not read; read them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedAccuracy:
    """Sensitivity and specificity by both ways; where they differ much, neither model holds."""

    sensitivity_predicted: Answer
    specificity_predicted: Answer
    sensitivity_weighted: Answer
    specificity_weighted: Answer


def adjusted_accuracy(table: VerificationTable, *, confidence: float = CONFIDENCE) -> AdjustedAccuracy:
    """Accuracy when reading depended on the covariates and, given them, on nothing else (MAR).

    Predicted: a logistic model of fracture among the read test-negatives fills in the unread. Weighted: a
    logistic model of being read gives each read one the weight 1/probability, the weights summing to n-.
    Logit intervals; the variance is the sum of squared influences of the cases, that of the fitted model's
    coefficients included.

    Source: Begg and Greenes, Biometrics 1983;39:207; Alonzo and Pepe, J R Stat Soc C 2005;54:173 (mean score
    imputation, inverse probability weighting).
    """
    negative = ~table.is_flagged
    design = _design(table.covariates[negative])
    read, fractured = table.is_read[negative], (table.is_fractured & table.is_read)[negative]
    positives = int(np.sum(table.is_flagged & table.is_fractured))
    alarms = int(np.sum(table.is_flagged & ~table.is_fractured))
    sides = {
        "predicted": _predicted(design, read, fractured),
        "weighted": _weighted(design, read, fractured),
    }

    def answer(measure: str, known: int, side: str, *, of_fractured: bool) -> Answer:
        each = sides[side]
        if isinstance(each, CannotSay):
            return CannotSay(
                measure=measure, code=each.code, got=each.got, needed=each.needed, unit=Unit.CASE,
                n=len(table.is_flagged),
            )  # fmt: skip
        return _share(measure, known, each if of_fractured else 1.0 - each, side, confidence,
                      part_is_known=of_fractured, n=len(table.is_flagged))  # fmt: skip

    return AdjustedAccuracy(
        sensitivity_predicted=answer("sensitivity", positives, "predicted", of_fractured=True),
        specificity_predicted=answer("specificity", alarms, "predicted", of_fractured=False),
        sensitivity_weighted=answer("sensitivity", positives, "weighted", of_fractured=True),
        specificity_weighted=answer("specificity", alarms, "weighted", of_fractured=False),
    )


def _predicted(design: FloatArray, read: BoolArray, fractured: BoolArray) -> FloatArray | CannotSay:
    """Each test-negative's part of the false negatives, the influence of the fitted model included."""
    fit = _fit(design[read], fractured[read].astype(np.float64))
    if isinstance(fit, CannotSay):
        return fit
    coefficients, information = fit
    chance = expit(design @ coefficients)
    slope = (np.where(read, 0.0, chance * (1.0 - chance))) @ design
    residual = np.where(read, fractured - chance, 0.0)
    own: FloatArray = np.where(read, fractured, chance) + residual * (
        design @ np.linalg.solve(information, slope)
    )
    return own


def _weighted(design: FloatArray, read: BoolArray, fractured: BoolArray) -> FloatArray | CannotSay:
    """The same by weights 1/P(read), scaled to sum to the number of test-negatives."""
    if read.all():
        return fractured.astype(np.float64)
    fit = _fit(design, read.astype(np.float64))
    if isinstance(fit, CannotSay):
        return fit
    coefficients, information = fit
    chance = expit(design @ coefficients)
    weight = np.where(read, 1.0 / chance, 0.0)
    rate = float(weight @ fractured) / float(weight.sum())
    excess = weight * (fractured - rate)
    slope = -(excess * (1.0 - chance)) @ design
    influence = excess + (read - chance) * (design @ np.linalg.solve(information, slope))
    own: FloatArray = rate + len(read) / float(weight.sum()) * influence
    return own


def _share(
    measure: str,
    known: int,
    own: FloatArray,
    side: str,
    confidence: float,
    *,
    part_is_known: bool,
    n: int,
) -> Answer:
    """``known`` cases of one kind against the sum of the parts of the others, either way round."""
    other = float(own.sum())
    if known == 0 or other <= 0.0:
        return CannotSay(
            measure=measure, code=CannotSayCode.NO_EVENTS, unit=Unit.CASE, n=n,
            got=f"{known} flagged against {other:.1f} extrapolated", needed="both above 0",
        )  # fmt: skip
    # log(known) - log(other): each known case has the influence 1/known, each other own_i/other
    half = standard_normal_quantile(confidence) * math.sqrt(1.0 / known + float(np.sum((own / other) ** 2)))
    part = float(known) if part_is_known else other
    rest = other if part_is_known else float(known)
    return Estimate(
        measure=measure, value=part / (part + rest), low=1.0 / (1.0 + rest / part * math.exp(half)),
        high=1.0 / (1.0 + rest / part * math.exp(-half)), unit=Unit.CASE, n=n, numerator=part,
        denominator=part + rest, confidence=confidence, remark=Remark.MODEL_BASED,
        method=f"partial verification, {side} by covariates, logit",
    )  # fmt: skip


def _design(covariates: FloatArray) -> FloatArray:
    """A constant and the standardised covariates; one that does not vary is left out."""
    if not len(covariates):
        return np.ones((0, 1))
    spread = covariates.std(axis=0)
    varying = covariates[:, spread > 0.0]
    standard = (varying - varying.mean(axis=0)) / spread[spread > 0.0]
    return np.column_stack([np.ones(len(covariates)), standard])


def _fit(design: FloatArray, outcome: FloatArray) -> tuple[FloatArray, FloatArray] | CannotSay:
    """Maximum likelihood of a logistic model by Newton's steps: coefficients and information matrix."""
    cases, width = design.shape
    events = int(outcome.sum())
    if min(events, cases - events) < width:
        return _unfit(
            CannotSayCode.TOO_FEW, f"{events} and {cases - events} cases for {width} coefficients",
            "more of both kinds than coefficients",
        )  # fmt: skip
    coefficients = np.zeros(width)
    for _ in range(MOST_STEPS):
        chance = expit(design @ coefficients)
        information = (design * (chance * (1.0 - chance))[:, None]).T @ design
        if np.linalg.cond(information) > 1.0 / np.finfo(float).eps:
            break
        step = np.linalg.solve(information, (outcome - chance) @ design)
        coefficients = coefficients + step
        if np.max(np.abs(coefficients)) > LARGEST_COEFFICIENT:
            break
        if np.max(np.abs(step)) < 1e-10:
            return coefficients, information
    return _unfit(
        CannotSayCode.NOT_CONVERGED, "covariates that separate the classes, or repeat one another",
        "fewer or other covariates",
    )  # fmt: skip


def _unfit(code: CannotSayCode, got: str, needed: str) -> CannotSay:
    return CannotSay(measure="model", code=code, got=got, needed=needed, unit=Unit.CASE)
