"""The figures of the study's first table, and the burden of the alerts, from the flow diagram's counts."""

from __future__ import annotations

from dataclasses import dataclass

from spondyl.study.statistics.estimate import CONFIDENCE, Answer, Unit
from spondyl.study.statistics.proportions import (
    ProportionMethod,
    proportion,
    rate_per_hundred,
    scaled,
    units_per_event,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyCounts:
    """Cases at each step of the flow; each is part of the one before it.

    cases: analysable. flagged: by the software. confirmed: flagged and with a fracture by the readers.
    not_reported: confirmed and absent from the report, by the definition in use. actionable: not reported and
    grade 3, presented to the interventional readers. suitable: of these, judged suitable.

    Raises:
        ValueError: a negative count, or one above the step before it.
    """

    cases: int
    flagged: int
    confirmed: int
    not_reported: int
    actionable: int
    suitable: int

    def __post_init__(self) -> None:
        steps = (self.cases, self.flagged, self.confirmed, self.not_reported, self.actionable, self.suitable)
        if list(steps) != sorted(steps, reverse=True) or steps[-1] < 0:
            raise ValueError(
                "each count is part of the one before it (cases, flagged, confirmed, not reported, "
                f"actionable, suitable), got {', '.join(map(str, steps))}"
            )


def headline_figures(
    counts: StudyCounts,
    *,
    method: ProportionMethod = ProportionMethod.WILSON,
    confidence: float = CONFIDENCE,
) -> tuple[Answer, ...]:
    """Flag rate, PPV, non-report rate and what follows, in the order of the table, each with its counts.

    Measures: flag_rate, ppv, confirmed_rate, non_report_rate, unreported_rate, false_positives_per_100,
    scans_per_extra_patient, alerts_per_extra_patient, interventional_suitable.
    """
    shares = (
        ("flag_rate", counts.flagged, counts.cases),
        ("ppv", counts.confirmed, counts.flagged),
        ("confirmed_rate", counts.confirmed, counts.cases),
        ("non_report_rate", counts.not_reported, counts.confirmed),
        ("unreported_rate", counts.not_reported, counts.cases),
    )
    figures = [proportion(name, x, n, method=method, confidence=confidence) for name, x, n in shares]
    false = counts.flagged - counts.confirmed
    figures.append(
        rate_per_hundred("false_positives_per_100", false, counts.cases, method=method, confidence=confidence)
    )
    for name, n in (
        ("scans_per_extra_patient", counts.cases),
        ("alerts_per_extra_patient", counts.flagged),
    ):
        figures.append(units_per_event(name, counts.not_reported, n, method=method, confidence=confidence))
    figures.append(
        proportion(
            "interventional_suitable",
            counts.suitable,
            counts.actionable,
            method=method,
            confidence=confidence,
        )
    )
    return tuple(figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where the alerts would arrive. All three are the reader's own figures, known without error.

    Raises:
        ValueError: a figure that is not positive.
    """

    studies_per_day: float
    readers: float
    minutes_per_alert: float

    def __post_init__(self) -> None:
        if not min(self.studies_per_day, self.readers, self.minutes_per_alert) > 0.0:
            raise ValueError(f"studies, readers and minutes are positive, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBurden:
    """What the alerts cost and what of it was known already."""

    flag_rate: Answer
    false_positives_per_100: Answer
    alerts_per_reader_day: Answer
    minutes_per_reader_day: Answer
    already_reported: Answer
    alerts_per_actionable_case: Answer


def alert_burden(counts: StudyCounts, workplace: Workplace, *, confidence: float = CONFIDENCE) -> AlertBurden:
    """Alerts per reader and day = studies/day x flag rate / readers; minutes = alerts x minutes each.

    For another operating point (grade 3 only, or only what the report does not name) give its own counts.
    """
    flags = proportion("flag_rate", counts.flagged, counts.cases, confidence=confidence)
    per_reader = workplace.studies_per_day / workplace.readers
    alerts = scaled(flags, "alerts_per_reader_day", per_reader, unit=Unit.READING_DAY)
    reported = counts.confirmed - counts.not_reported
    return AlertBurden(
        flag_rate=flags,
        false_positives_per_100=rate_per_hundred(
            "false_positives_per_100", counts.flagged - counts.confirmed, counts.cases, confidence=confidence
        ),
        alerts_per_reader_day=alerts,
        minutes_per_reader_day=scaled(alerts, "minutes_per_reader_day", workplace.minutes_per_alert),
        already_reported=proportion("already_reported", reported, counts.confirmed, confidence=confidence),
        alerts_per_actionable_case=units_per_event(
            "alerts_per_actionable_case", counts.actionable, counts.flagged, confidence=confidence
        ),
    )
