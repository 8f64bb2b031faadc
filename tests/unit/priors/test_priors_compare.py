"""Comparison with a prior: statuses, numbering slips, the scale of a whole scan."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.domain.finding import HeightTriple, Manifest, Reason, State, StudyFinding, VertebraFinding
from spondyl.domain.level import STANDARD_LEVELS, Level
from spondyl.study.priors import Status, compare, trajectory

LEVELS = STANDARD_LEVELS[STANDARD_LEVELS.index(Level.T8) : STANDARD_LEVELS.index(Level.L3) + 1]
MANIFEST = Manifest(
    spondyl_version="0", input_sha256="", settings_sha256="", networks=(), engine="", precision="",
    packages={}, python="3", machine="", timings_s={},
)  # fmt: skip
# every body a little larger than the one above, not by equal steps: shape tells the levels apart
POSTERIOR_MM = {level: 20.0 + 0.9 * n + 0.6 * (n % 3) for n, level in enumerate(LEVELS)}
DEPTH_MM = {level: 28.0 + 1.0 * n - 0.5 * (n % 2) for n, level in enumerate(LEVELS)}
STEP_MM = {level: 25.0 + 1.3 * n + 0.8 * (n % 4) for n, level in enumerate(LEVELS)}


def finding(
    lost: dict[Level, tuple[float, float, float]] | None = None,
    *,
    named: int = 0,
    scale: float = 1.0,
    sd_mm: float = 0.6,
    loss: dict[Level, float] | None = None,
    unsure: bool = False,
    unmeasured: tuple[Level, ...] = (),
) -> StudyFinding:
    """The same spine, some heights less by so many mm, names moved by ``named`` levels."""
    rows, z = [], 0.0
    for level in LEVELS:
        posterior = POSTERIOR_MM[level]
        heights = scale * np.array([0.93, 0.9, 1.0]) * posterior - np.array(
            (lost or {}).get(level, (0, 0, 0))
        )
        triple = HeightTriple(anterior=heights[0], middle=heights[1], posterior=heights[2])
        is_measured = level not in unmeasured
        fraction = (loss or {}).get(level, 0.03)
        rows.append(
            VertebraFinding(
                level=STANDARD_LEVELS[STANDARD_LEVELS.index(level) + named].value,
                level_probability=0.6 if unsure else 0.99,
                level_uncertain=unsure,
                in_view="full",
                series_id="a",
                label=1,
                centre_lps_mm=(0.0, 0.0, z),
                heights_mm=triple if is_measured else None,
                height_sd_mm=HeightTriple(anterior=sd_mm, middle=sd_mm, posterior=sd_mm),
                window_heights_mm=triple if is_measured else None,
                expected_heights_mm=None,
                landmarks_lps_mm=None,
                depth_mm=DEPTH_MM[level],
                loss_fraction=fraction,
                loss_sd=0.05,
                genant_grade=0 if fraction < 0.2 else 2,
                shape="normal" if fraction < 0.2 else "wedge",
                probability_grade_2_or_more=0.1,
                attenuation_hu=120.0,
                not_measured=None if is_measured else "METAL",
            )
        )
        z -= STEP_MM[level]
    return StudyFinding(
        state=State.NO_FLAG,
        reasons=(Reason(code="X", text="x"),),
        score=0.1,
        vertebrae=tuple(rows),
        series=(),
        refusal=None,
        manifest=MANIFEST,
    )


def status_of(comparison: object, level: Level) -> Status:
    return next(x.status for x in comparison.changes if x.level == level)  # type: ignore[attr-defined]


def test_the_same_scan_twice_is_stable() -> None:
    comparison = compare(finding(), finding())
    assert comparison.slip == 0
    assert {x.status for x in comparison.changes} == {Status.STABLE}
    assert comparison.n_matched == len(LEVELS)
    assert comparison.scale == pytest.approx(1.0)


def test_a_fifth_and_four_millimetres_less_is_new() -> None:
    # L1 is n = 5: posterior 20 + 4.5 + 1.2 = 25.7, anterior 0.93 of it: 23.9; 6 mm are 25 %
    comparison = compare(finding({Level.L1: (6.0, 4.0, 0.5)}, loss={Level.L1: 0.25}), finding())
    assert [x.level for x in comparison.with_status(Status.NEW)] == ["L1"]
    assert {x.status for x in comparison.changes if x.level != "L1"} == {Status.STABLE}
    assert comparison.with_status(Status.NEW)[0].loss_mm[0] == pytest.approx(6.0, abs=0.1)  # type: ignore[index]


@pytest.mark.parametrize(
    ("lost_mm", "sd_mm", "status"),
    [
        (3.4, 0.6, Status.NEW),  # 14 % and 3.4 mm, 4.0 combined sd (0.85 mm)
        (3.4, 1.0, Status.STABLE),  # the same is 2.4 combined sd (1.41 mm)
        (2.3, 0.2, Status.STABLE),  # sure, but under 12.5 % and 2.5 mm
    ],
)
def test_less_counts_only_beyond_the_uncertainty(lost_mm: float, sd_mm: float, status: Status) -> None:
    comparison = compare(finding({Level.L1: (lost_mm, 0.0, 0.0)}, sd_mm=sd_mm), finding(sd_mm=sd_mm))
    assert status_of(comparison, Level.L1) is status


def test_a_fracture_that_was_there_is_known_or_worse() -> None:
    before = finding({Level.T12: (6.0, 4.0, 0.5)}, loss={Level.T12: 0.26})
    same = compare(before, before)
    assert status_of(same, Level.T12) is Status.OLD
    assert any("Known to the scans: T12" in reason for reason in same.reasons)
    now = finding({Level.T12: (11.0, 8.0, 0.5)}, loss={Level.T12: 0.45})
    assert status_of(compare(now, before), Level.T12) is Status.WORSE


def test_a_body_that_grew_is_not_compared() -> None:
    comparison = compare(finding(), finding({Level.L1: (7.0, 6.0, 6.0)}))
    assert status_of(comparison, Level.L1) is Status.NOT_COMPARABLE


def test_what_was_not_measured_is_not_compared() -> None:
    comparison = compare(finding(), finding(unmeasured=(Level.T10,)))
    assert status_of(comparison, Level.T10) is Status.NOT_COMPARABLE


@pytest.mark.parametrize("named", [-1, 1])
def test_a_scan_numbered_a_level_off_is_matched_by_shape(named: int) -> None:
    current = finding({Level.L1: (6.0, 4.0, 0.5)}, named=named, unsure=True)
    comparison = compare(current, finding())
    assert comparison.slip == -named
    assert comparison.n_matched == len(LEVELS)
    moved = STANDARD_LEVELS[STANDARD_LEVELS.index(Level.L1) + named]
    assert [(x.level, x.prior_level) for x in comparison.with_status(Status.NEW)] == [(moved.value, "L1")]
    assert "numbered differently" in comparison.reasons[0]


def test_a_whole_scan_that_reads_higher_changes_nothing() -> None:
    comparison = compare(finding(scale=0.95), finding())
    assert comparison.scale == pytest.approx(0.95)
    assert {x.status for x in comparison.changes} == {Status.STABLE}


def test_spines_without_a_common_vertebra_say_so() -> None:
    prior = finding()
    prior = prior.model_copy(update={"vertebrae": ()})
    comparison = compare(finding(), prior)
    assert comparison.n_matched == 0
    assert comparison.reasons == ("The two scans have no vertebra in common.",)


def test_a_trajectory_follows_each_vertebra_through_all_scans() -> None:
    scans = (finding({Level.L1: (6.0, 4.0, 0.0)}), finding({Level.L1: (2.0, 1.0, 0.0)}), finding())
    points = [point for point in trajectory(scans) if point.level == "L1"]
    heights = [point.anterior_mm for point in points]
    assert [point.scan for point in points] == [0, 1, 2]
    assert np.diff(heights) == pytest.approx([4.0, 2.0])  # type: ignore[arg-type]


def test_no_scan_is_no_trajectory() -> None:
    with pytest.raises(ValueError, match="no scan"):
        trajectory(())
