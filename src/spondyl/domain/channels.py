"""What the two networks take and give: patch sizes, spacing, intensity scaling, order of the outputs.

Training and inference both read this page, so that they cannot disagree.
"""

from __future__ import annotations

import numpy as np

from spondyl.geometry.arrays import Float32Array

FINDER_SPACING_MM = 2.0
FINDER_PATCH = (96, 80, 80)
# finder outputs: 7 class logits (order of synthetic.scene.Tissue), then regressed coordinates inside bodies
FINDER_CLASSES = ("background", "body", "posterior", "disc", "other_bone", "sacrum", "rib")
FINDER_POSTERIOR_COORDINATE = 7  # front to back within the body, -1..1
FINDER_SUPERIOR_COORDINATE = 8  # lower to upper endplate, -1..1
FINDER_LEVEL = 9  # (running number - LEVEL_CENTRE) / LEVEL_SCALE
FINDER_OUTPUTS = 10
LEVEL_CENTRE = 14.0
LEVEL_SCALE = 6.0

REFINER_SPACING_MM = 1.0
REFINER_PATCH = (64, 64, 64)
# refiner outputs: 6 class logits, then left, posterior, superior coordinate inside the target
REFINER_CLASSES = ("background", "target", "other_body", "posterior", "disc", "other_bone")
REFINER_COORDINATES = 6
REFINER_OUTPUTS = 9

AIR_HU = -1024.0


def scale_hu(hu: Float32Array) -> Float32Array:
    """Network input from Hounsfield units: clipped to -300..1000, centred and scaled."""
    return np.asarray((np.clip(hu, -300.0, 1000.0) - 100.0) / 250.0, np.float32)


SCALED_AIR = float(scale_hu(np.array([AIR_HU], np.float32))[0])
