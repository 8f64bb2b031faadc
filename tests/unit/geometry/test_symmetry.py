"""The plane of mirror symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from spondyl.geometry.symmetry import mirror_angle_rad


@pytest.mark.parametrize("angle_deg", [-18.0, -4.0, 0.0, 11.0])
def test_a_turned_ellipse_with_a_tail_is_turned_back(angle_deg: float) -> None:
    angle = np.radians(angle_deg)
    x, y = np.meshgrid(np.arange(-30.0, 31.0), np.arange(-30.0, 31.0), indexing="ij")
    across, along = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    body = (across / 16.0) ** 2 + ((along + 4.0) / 11.0) ** 2 < 1.0
    tail = (np.abs(across) < 3.0) & (along > 0.0) & (along < 20.0)
    image = (body | tail).astype(np.float64)
    assert np.degrees(mirror_angle_rad(image, 25.0)) == pytest.approx(angle_deg, abs=1.5)


def test_an_empty_image_has_no_angle_to_turn() -> None:
    assert abs(mirror_angle_rad(np.zeros((20, 20)), 10.0)) <= np.radians(10.0)
