"""Posterior elements of a vertebra: pedicles, laminae, articular, transverse and spinous processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spondyl.geometry.arrays import Float64Array
from spondyl.synthetic.anatomy import NORMS, lumbar_share, thoracic_share
from spondyl.synthetic.body import BodyShape
from spondyl.synthetic.bone import BoneMaker, BoneQuality
from spondyl.synthetic.shapes import Capsule, Tissue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arch:
    """Measures of one vertebra's arch, mm, in the frame of its body.

    thoracic, lumbar: shares of these two types; what is left is cervical.
    """

    body: BodyShape
    maker: BoneMaker
    thoracic: float
    lumbar: float
    scale: float
    height: float
    half_depth: float
    pedicle_x: float
    pedicle_z: float
    lamina_y: float

    def place(self, x: float, y: float, z: float) -> Float64Array:
        """LPS point of a local one."""
        return np.asarray(self.body.centre_mm + self.body.frame @ np.array([x, y, z]))

    def jitter(self, sd: float) -> float:
        return float(self.maker.rng.normal(0, sd))

    def factor(self, spread: float) -> float:
        return float(self.maker.rng.uniform(1 - spread, 1 + spread))


def posterior_elements(rng: np.random.Generator, body: BodyShape, bone: BoneQuality) -> list[Capsule]:
    """Draw the arch of one vertebra."""
    thoracic, lumbar = thoracic_share(body.level), lumbar_share(body.level)
    half_width, half_depth = body.width_mm / 2, body.depth_mm / 2
    height = float(np.mean(body.normal_heights_mm))
    scale = half_width / (NORMS[body.level].width_mm / 2)
    arch = _Arch(
        body=body,
        maker=BoneMaker(rng=rng, quality=bone, tissue=Tissue.POSTERIOR),
        thoracic=thoracic,
        lumbar=lumbar,
        scale=scale,
        height=height,
        half_depth=half_depth,
        pedicle_x=half_width * (0.62 - 0.08 * thoracic + 0.06 * lumbar),
        pedicle_z=height * (0.16 + float(rng.normal(0, 0.03))),
        lamina_y=half_depth + (15.0 + 2.0 * lumbar) * scale - 0.5 * body.back_concavity_mm,
    )
    parts: list[Capsule] = []
    for side in (-1.0, 1.0):
        parts += _pedicle_and_facets(arch, side)
        parts.append(_lamina(arch, side))
    parts.append(_spinous_process(arch))
    return parts


def _pedicle_and_facets(arch: _Arch, side: float) -> list[Capsule]:
    """Pedicle, both articular processes, transverse process of one side."""
    scale, thoracic, lumbar = arch.scale, arch.thoracic, arch.lumbar
    radius = (2.9 + 1.7 * thoracic + 3.2 * lumbar) * scale * arch.factor(0.18)
    root = arch.place(side * arch.pedicle_x, arch.half_depth * 0.62, arch.pedicle_z)
    x = arch.pedicle_x + 1.5
    facet = arch.place(side * x, arch.half_depth + 9 * scale, arch.pedicle_z)
    upper = arch.place(
        side * (x + arch.jitter(0.6)), arch.half_depth + 10.5 * scale, arch.pedicle_z + arch.height * 0.5
    )
    lower = arch.place(
        side * (arch.pedicle_x - 1.0 - 2 * lumbar),
        arch.lamina_y - 1,
        -arch.height * (0.55 + 0.1 * thoracic),
    )
    reach = (10 + 10 * thoracic + 22 * lumbar) * scale * arch.factor(0.2)
    tip = arch.place(
        side * (arch.pedicle_x + reach),
        arch.half_depth + (9 + 13 * thoracic - lumbar) * scale,
        arch.pedicle_z + arch.jitter(1.5) + 3 * thoracic,
    )
    across, up = arch.body.frame[:, 0], arch.body.frame[:, 2]
    make = arch.maker.capsule
    return [
        make(root, facet, (radius, radius * 1.05), (across, 1.35 + 0.35 * thoracic)),
        make(facet, upper, (4.0 * scale, 3.6 * scale)),
        make(facet, lower, (4.3 * scale, 3.8 * scale)),
        make(facet, tip, (4.2 * scale, 2.4 * scale + 1.6 * thoracic), (up, 1.0 + 0.5 * lumbar)),
    ]


def _lamina(arch: _Arch, side: float) -> Capsule:
    """A tall plate from the facets to the midline; in the thorax one tiles over the next."""
    scale, thoracic = arch.scale, arch.thoracic
    tall = (5.2 + 2.6 * thoracic + 1.6 * arch.lumbar) * scale * arch.factor(0.12)
    lateral = arch.place(side * arch.pedicle_x * 0.85, arch.lamina_y - 4 * scale, -0.12 * arch.height)
    middle = arch.place(
        0.0, arch.lamina_y + 2 * scale, -(0.26 + 0.12 * thoracic + arch.jitter(0.03)) * arch.height
    )
    slope = 0.45 * thoracic + arch.jitter(0.06)  # the plate leans backwards as it goes down
    normal = arch.body.frame @ np.array([0.35 * side, 1.0, slope])
    return arch.maker.capsule(lateral, middle, (tall * 0.85, tall), (normal, tall / (2.7 * scale)))


def _spinous_process(arch: _Arch) -> Capsule:
    """A plate in the midline; steep in mid thorax, nearly level in the lumbar spine."""
    scale, thoracic, lumbar = arch.scale, arch.thoracic, arch.lumbar
    slope = float(np.tan(np.radians(12 + 36 * thoracic - 6 * lumbar + arch.jitter(6))))
    length = (18 + 10 * thoracic + 12 * lumbar) * scale * arch.factor(0.2)
    root_z = -(0.22 + 0.1 * thoracic) * arch.height
    root = arch.place(0.0, arch.lamina_y + 4 * scale, root_z)
    tip = arch.place(arch.jitter(1.0), arch.lamina_y + length, root_z - (length - 4 * scale) * slope)
    radii = ((4.0 + 6.0 * lumbar) * scale, (3.4 + 6.6 * lumbar) * scale)
    return arch.maker.capsule(root, tip, radii, (arch.body.frame[:, 0], 1.4 + 2.2 * lumbar))
