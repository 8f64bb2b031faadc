"""Two or more CTs of one patient: the spines matched vertebra by vertebra, and what changed at each.

``compare`` takes findings only, so it needs neither pixels nor the networks again.
"""

from __future__ import annotations

from spondyl.study.priors.comparing import compare, trajectory
from spondyl.study.priors.matching import Matching, match_spines
from spondyl.study.priors.model import Change, Comparison, Limits, Status, TrajectoryPoint

__all__ = [
    "Change",
    "Comparison",
    "Limits",
    "Matching",
    "Status",
    "TrajectoryPoint",
    "compare",
    "match_spines",
    "trajectory",
]
