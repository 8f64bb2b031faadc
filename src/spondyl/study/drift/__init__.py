"""Drift of a running site: what its findings look like over time, against control limits.

Each case gives a few numbers; each batch of cases a mean or a share. The first batches set the centre; a
later batch beyond three standard errors, or a run of eight on one side, is a signal (Shewhart; Western
Electric rules 1 and 4). A signal says that something changed (scanner, protocol, patients, software), not
that the answers are wrong.
"""

from __future__ import annotations

from spondyl.study.drift.charts import Batch, Chart, Limits, Signal, chart_all
from spondyl.study.drift.facts import CaseFacts, facts_of

__all__ = ["Batch", "CaseFacts", "Chart", "Limits", "Signal", "chart_all", "facts_of"]
