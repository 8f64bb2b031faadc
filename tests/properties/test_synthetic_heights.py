"""Heights against exact truth: synthetic CTs scanned as the training draws them, read from end to end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spondyl.domain.level import Level
from spondyl.synthetic import make_ct
from spondyl.synthetic.acquisition import draw_protocol
from whole_reading import SAME_BODY_MM, read_volume

# the first of benchmarks/synthetic_heights.py, which reads many more
SEEDS = (500_000, 500_001, 500_002)
FEWEST_SHARE = 0.9  # of the vertebrae wholly in view that must be measured


@pytest.mark.slow
@pytest.mark.parametrize(("spacing_mm", "largest_mm"), [(1.0, 0.5), (3.0, 0.9)])
def test_the_mean_error_of_all_heights(spacing_mm: float, largest_mm: float) -> None:
    errors, wanted = [], 0
    for seed in SEEDS:
        protocol = draw_protocol(np.random.default_rng([seed, 2]))
        made = make_ct(
            seed,
            spacing_mm,
            first=Level.T9,
            last=Level.L4,
            pixel_spacing_mm=0.8,
            protocol=replace(protocol, slice_thickness_mm=spacing_mm),
        )
        finding = read_volume(made.volume)
        for truth in made.truth:
            if truth.is_cut or not truth.level.is_graded:
                continue
            wanted += 1
            near = [
                x
                for x in finding.vertebrae
                if x.heights_mm is not None
                and np.linalg.norm(truth.centre_lps_mm - np.array(x.centre_lps_mm)) < SAME_BODY_MM
            ]
            if near:
                read = near[0].heights_mm
                assert read is not None
                heights = np.array([read.anterior, read.middle, read.posterior])
                errors.append(np.abs(heights - truth.heights.as_array()))
    assert len(errors) >= FEWEST_SHARE * wanted
    assert np.mean(errors) <= largest_mm
