"""Readings of inserted fractures, made by hand: what counts as seen, and the groups."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_insertion import READING
from spondyl.domain.finding import State
from spondyl.study.evaluation.insertions import row, rows
from spondyl.study.statistics import Estimate

SEEN = READING
MISSED = replace(SEEN, ct="b", state=State.NO_FLAG, read_grade=1, read_loss_fraction=0.22, loss_fraction=0.26)


def test_a_flag_for_another_vertebra_is_not_seen() -> None:
    elsewhere = replace(MISSED, state=State.FLAG, others_flagged=("L1",))
    assert SEEN.is_seen
    assert not elsewhere.is_seen
    assert not replace(SEEN, state=State.NOT_EVALUABLE).is_seen
    assert not replace(SEEN, read_grade=None, read_loss_fraction=None).is_seen


def test_sensitivity_and_errors_of_a_group() -> None:
    group = row("g", [SEEN, MISSED])
    assert (group.n, group.n_seen, group.n_read) == (2, 1, 2)
    assert isinstance(group.loss_mae, Estimate)
    assert group.loss_mae.value == pytest.approx(0.045)  # 5 and 4 points
    assert isinstance(group.loss_bias, Estimate)
    assert group.loss_bias.value == pytest.approx(-0.045)


def test_groups_by_loss_begin_at_their_bound() -> None:
    table = {x.group: x for x in rows([SEEN, MISSED, replace(SEEN, loss_fraction=0.25)])}
    assert table["loss ≥ 30 %"].n == 1
    assert table["loss ≥ 25 %"].n == 3
    assert table["loss 25% to 30%"].n == 2
    assert "loss 15% to 20%" not in table
    assert table["T8-T10, loss ≥ 25 %"].n == 3
    assert table["a, loss ≥ 25 %"].n_seen == 2
