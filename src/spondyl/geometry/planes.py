"""Robust lines, parabolas and planes through points: weighted least squares with Tukey's weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float64Array

TUKEY = 4.685
"""Tuning constant of Tukey's biweight: 95 % efficiency on normal residuals (Huber, Robust Statistics)."""
MAD_TO_SD = 1.4826
"""Scale of the median absolute deviation to the standard deviation of a normal distribution."""
_ROUNDS_BY_DISTANCE = 5  # least absolute distances first: a good start among many outliers
_ROUNDS_BY_TUKEY = 8
_SETTLED = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Coefficients of a linear model and how well the points lie on it.

    coefficients: (m,) in the order of the design's columns.
    residual_sd: robust standard deviation of the residuals, unit of the values.
    covariance: (m, m) of the coefficients, for independent residuals.
    """

    coefficients: Float64Array
    residual_sd: float
    covariance: Float64Array

    def at(self, design_row: Float64Array) -> float:
        """Value of the model at one row of a design."""
        return float(design_row @ self.coefficients)

    def sd_at(self, design_row: Float64Array) -> float:
        """One standard deviation of ``at`` from the scatter of the points."""
        return float(np.sqrt(np.clip(design_row @ self.covariance @ design_row, 0.0, None)))


def fit_robust(design: Float64Array, values: Float64Array, *, scale_floor: float) -> Fit:
    """Fit ``values ≈ design @ coefficients``, leaving out what does not belong.

    design: (n, m) with n >= m; values: (n,).
    scale_floor: smallest residual that is told from noise, so that perfect data do not make every
        rounding error an outlier.

    Raises:
        ValueError: fewer points than coefficients.
    """
    n_points, n_coefficients = design.shape
    if n_points < n_coefficients:
        raise ValueError(f"{n_points} points for {n_coefficients} coefficients; at least as many are needed")
    weights: Float64Array = np.ones(n_points)
    coefficients: Float64Array = np.full(n_coefficients, np.nan)
    scale = scale_floor
    for number in range(_ROUNDS_BY_DISTANCE + _ROUNDS_BY_TUKEY):
        weighted = design * weights[:, None]
        updated = np.asarray(np.linalg.pinv(design.T @ weighted) @ (weighted.T @ values), dtype=np.float64)
        residuals = values - design @ updated
        scale = max(scale_floor, MAD_TO_SD * float(np.median(np.abs(residuals))))
        is_settled = bool(np.max(np.abs(updated - coefficients)) < _SETTLED)
        coefficients = updated
        if number < _ROUNDS_BY_DISTANCE:
            weights = scale_floor / np.maximum(np.abs(residuals), scale_floor)
            continue
        if is_settled and number > _ROUNDS_BY_DISTANCE:
            break
        weights = np.clip(1.0 - (residuals / (TUKEY * scale)) ** 2, 0.0, None) ** 2
        if np.count_nonzero(weights) < n_coefficients:
            weights = np.ones(n_points)
    covariance = scale**2 * np.linalg.pinv(design.T @ (design * weights[:, None]))
    return Fit(coefficients=np.asarray(coefficients), residual_sd=scale, covariance=np.asarray(covariance))


def plane_design(points_xy: Float64Array) -> Float64Array:
    """(n, 3) design of a plane z = a + b x + c y over (n, 2) points."""
    return np.column_stack([np.ones(len(points_xy)), points_xy])


def polynomial_design(positions: Float64Array, degree: int) -> Float64Array:
    """(n, degree + 1) design 1, t, t² … over (n,) positions."""
    return np.asarray(np.vander(positions, degree + 1, increasing=True), dtype=np.float64)


def plane_normal(fit: Fit) -> Float64Array:
    """(3,) unit normal, positive along z, of a plane fitted with ``plane_design``."""
    _, slope_x, slope_y = fit.coefficients
    normal = np.array([-slope_x, -slope_y, 1.0])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def rotation_about(axis: Float64Array, angle_rad: float) -> Float64Array:
    """(3, 3) right-handed rotation about a unit vector (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(
        np.eye(3) + np.sin(angle_rad) * cross + (1.0 - np.cos(angle_rad)) * (cross @ cross), dtype=np.float64
    )


def frame_from(superior: Float64Array, posterior_hint: Float64Array) -> Float64Array:
    """(3, 3) orthonormal columns left, posterior, superior.

    ``superior`` is kept; ``posterior_hint`` is made orthogonal to it. In LPS left = posterior × superior.

    Raises:
        ValueError: the two are parallel.
    """
    up = superior / np.linalg.norm(superior)
    back = posterior_hint - (posterior_hint @ up) * up
    length = np.linalg.norm(back)
    if length < 1e-6:
        raise ValueError("the posterior hint is parallel to the superior direction; give another hint")
    back = back / length
    return np.column_stack([np.cross(back, up), back, up])
