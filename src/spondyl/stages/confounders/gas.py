"""Gas in a body: an intravertebral cleft (§2, §1.6; S41)."""

from __future__ import annotations

from collections.abc import Iterator

from spondyl.domain.confounder import Confounder, Effect, Kind
from spondyl.stages.confounders.case import Case


def find(case: Case) -> Iterator[Confounder]:
    """Bodies with a pocket of gas."""
    limit = case.settings.gas_ml
    for signs in case.signs.values():
        if signs.cleft_ml < limit:
            continue
        yield Confounder(
            kind=Kind.GAS,
            level=signs.level,
            value=signs.cleft_ml,
            threshold=limit,
            unit="ml",
            effect=Effect.FLAG,
            text=f"Gas in the body ({signs.cleft_ml:.2f} ml): a cleft, a sign of a mobile, benign fracture.",
            excludes_from_references=True,
        )
