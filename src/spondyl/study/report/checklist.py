"""The checklist of STARD with items for software: filled where the tables know, open where they do not."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from spondyl.domain.finding import State
from spondyl.study.report.layout import PlainTable
from spondyl.study.report.results import Results

_OPEN = "to be told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item; fill: which answer the tables can give, empty for none."""

    id: str
    text: str
    fill: str


@cache
def items() -> tuple[Item, ...]:
    """The items of checklist.toml, in their order."""
    text = (files("spondyl.study.report") / "checklist.toml").read_text(encoding="utf-8")
    return tuple(
        Item(id=x["id"], text=x["text"], fill=x.get("fill", "")) for x in tomllib.loads(text)["item"]
    )


def checklist(results: Results) -> PlainTable:
    """Every item with its answer; what study.toml says stands behind what the tables know."""
    told = results.data.facts.answers
    rows = []
    for item in items():
        known = [_FILLS[item.fill](results)] if item.fill else []
        said = [told[item.id]] if told.get(item.id) else []
        state = "filled" if known and not said else "told" if said else _OPEN
        rows.append((item.id, item.text, " ".join(known + said), state))
    counts = Counter(state for *_, state in rows)
    missing = ", ".join(row[0] for row in rows if row[-1] == _OPEN)
    return PlainTable(
        name="checklist",
        title="Checklist: STARD 2015 and items for software",
        columns=("item", "what is to be told", "answer", "state"),
        rows=tuple(rows),
        note=f"{len(rows) - counts[_OPEN]} of {len(rows)} items have an answer. Still to be told, in "
        f"study.toml under [answers]: {missing or 'none'}. Words of the items are ours; check the "
        "published lists of STARD-AI and CLAIM before submission.",
    )


def _eligibility(results: Results) -> str:
    rule = results.data.protocol.population
    return (
        f"From {rule.minimum_age_years.value} years; of a patient's scans: {rule.scans_per_patient.value}. "
        f"Left out: {_listed(results.flow.excluded)}."
    )


def _software(results: Results) -> str:
    versions = sorted({x.spondyl_version for x in results.data.studies if x.spondyl_version})
    return f"Spondyl {', '.join(versions) or '(version not told)'}; fingerprints under Software."


def _reference(results: Results) -> str:
    rule = results.data.protocol.readers
    judged = [x for x in results.references.values() if x.first]
    adjudicated = sum(x.is_adjudicated for x in judged)
    return (
        f"{rule.first_readers.value} readers a case, differences in {', '.join(rule.discordance.value)} "
        f"settled by {rule.adjudication.value.replace('_', ' ')}: {adjudicated} of {len(judged)} cases read."
    )


def _index_cutoff(results: Results) -> str:
    rule = results.data.protocol.positive
    return (
        f"{rule.minimum_vertebrae.value} vertebra(e) {rule.first_level.value} to {rule.last_level.value} of "
        f"grade {rule.minimum_grade.value} or more, probability {rule.minimum_probability.value:g} or "
        "more; fixed in the protocol file."
    )


def _reference_cutoff(results: Results) -> str:
    rule = results.data.protocol.true_positive
    return (
        f"Grade {rule.minimum_grade.value} or more; rule {rule.rule.value}; fractures by metastasis "
        f"{_counted(counts=rule.counts_pathological.value)}, treated ones "
        f"{_counted(counts=rule.counts_treated.value)}."
    )


def _blinding(results: Results) -> str:
    saw = [x for x in results.data.readings if x.saw_report]
    rule = results.data.protocol.readers
    return (
        f"By the protocol the report was {'not ' if rule.blinded_to_report.value else ''}shown, and marks "
        f"were {'hidden at first' if rule.marks_hidden_at_first.value else 'shown at once'}. "
        f"{len(saw)} of {len(results.data.readings)} records were made after the report was seen."
    )


def _methods(results: Results) -> str:
    plan = results.data.protocol.analysis
    return (
        f"{plan.confidence.value:.0%} intervals, headline {plan.interval.value}; by vertebra Korn and "
        f"Graubard; bootstrap over patients with {plan.bootstrap_resamples.value} resamples, seed "
        f"{plan.bootstrap_seed.value}."
    )


def _indeterminate(results: Results) -> str:
    rule = results.data.protocol.population.not_evaluable.value.replace("_", " ")
    cannot = sum(x.reference.verdict.value == "cannot_say" for x in results.flagged)
    return f"Cases without an answer: {rule}. Flagged cases that the readers cannot judge: {cannot}."


def _missing_data(results: Results) -> str:
    return (
        f"{len(results.open)} flagged case(s) without a verdict and {len(results.without_report)} confirmed "
        "case(s) without a report are left out of the shares that need them."
    )


def _variability(results: Results) -> str:
    names = ", ".join(x.name for x in results.agreements) or "none"
    return f"Agreement: {names}. Subgroups: age, sex, slice spacing, site."


def _flow(_results: Results) -> str:
    return "Flow diagram."


def _baseline(_results: Results) -> str:
    return "Table 1."


def _severity(results: Results) -> str:
    worst = Counter(max(y.grade for y in x.reference.fractures) for x in results.confirmed)
    shares = ", ".join(f"grade {grade}: {n}/{len(results.confirmed)}" for grade, n in sorted(worst.items()))
    return f"Worst grade of confirmed cases: {shares or 'none confirmed'}."


def _alternatives(results: Results) -> str:
    return f"Causes of {len(results.false_positive)} false positive cases, by code."


def _cross_table(results: Results) -> str:
    return (
        f"Flagged: {len(results.confirmed)} with and {len(results.false_positive)} without a fracture. Not "
        f"flagged: {results.negatives.read} read, {results.negatives.found} with a fracture."
    )


def _estimates(_results: Results) -> str:
    return "Headline and accuracy tables, each figure with counts, interval and method."


def _protocol(results: Results) -> str:
    return f"Every choice of the protocol “{results.data.protocol.name}” is printed here."


def _acquisition(results: Results) -> str:
    known = [x.slice_spacing_mm for x in results.flow.analysed if x.slice_spacing_mm is not None]
    spread = f"{min(known):g} to {max(known):g} mm" if known else "not told"
    kernels = {x.kernel for x in results.flow.analysed if x.kernel}
    return f"Slice spacing {spread}; {len(kernels)} kernel(s), see Table 1."


def _failures(results: Results) -> str:
    without = results.flow.not_evaluable
    refused = sum(x.state is State.NOT_EVALUABLE and x.refusal_code is not None for x in without)
    return f"{len(without)} case(s) without an answer, {refused} of them refused; by reason in the table."


def _interaction(results: Results) -> str:
    arms = Counter(x.marks.value for x in results.data.readings)
    return f"When the marks were shown, by record: {_listed(arms) or 'no records'}."


def _subgroups(_results: Results) -> str:
    return "PPV and non-report rate by age, sex, slice spacing and site, tested and corrected."


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items())


def _counted(*, counts: bool) -> str:
    return "count" if counts else "do not count"


_FILLS: Mapping[str, Callable[[Results], str]] = {
    "eligibility": _eligibility,
    "software": _software,
    "reference": _reference,
    "index_cutoff": _index_cutoff,
    "reference_cutoff": _reference_cutoff,
    "blinding": _blinding,
    "methods": _methods,
    "indeterminate": _indeterminate,
    "missing_data": _missing_data,
    "variability": _variability,
    "flow": _flow,
    "baseline": _baseline,
    "severity": _severity,
    "alternatives": _alternatives,
    "cross_table": _cross_table,
    "estimates": _estimates,
    "protocol": _protocol,
    "acquisition": _acquisition,
    "failures": _failures,
    "interaction": _interaction,
    "subgroups": _subgroups,
}
