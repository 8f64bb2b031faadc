"""Something seen on a vertebra, or in the whole scan, that changes how a grade is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level


class Effect(StrEnum):
    """What a confounder does to the finding (clinical-methods §2: R, D, F, X).

    REJECT: the vertebra's grade does not count. DOWNGRADE: it counts one grade less. FLAG: it stands, and
    the reader is told. EXCLUDE: of a vertebra, it stands but serves nobody as reference; of a whole scan,
    nothing can be said of it.
    """

    REJECT = "reject"
    DOWNGRADE = "downgrade"
    FLAG = "flag"
    EXCLUDE = "exclude"


class Kind(StrEnum):
    """The confounders that are looked for; docs/reference/confounders.md says how."""

    SCLEROTIC_LESION = "sclerotic_lesion"
    MIXED_LESION = "mixed_lesion"
    LYTIC_LESION = "lytic_lesion"
    BONE_ISLAND = "bone_island"
    HAEMANGIOMA = "haemangioma"
    DENSE_BONE = "dense_bone"
    SCHMORL = "schmorl"
    SCHEUERMANN = "scheuermann"
    LIMBUS = "limbus"
    DEGENERATIVE_WEDGE = "degenerative_wedge"
    PHYSIOLOGICAL_WEDGE = "physiological_wedge"
    SHORT_VERTEBRAL_HEIGHT = "short_vertebral_height"
    BRIDGING = "bridging"
    SCOLIOSIS = "scoliosis"
    HEMIVERTEBRA = "hemivertebra"
    TRANSITIONAL = "transitional"
    NUMBERING_DOUBT = "numbering_doubt"
    MERGED = "merged"
    SPLIT = "split"
    OUTLINE_SHORT = "outline_short"
    OUTLINE_ASKEW = "outline_askew"
    CEMENT = "cement"
    METAL = "metal"
    METAL_STREAK = "metal_streak"
    GAS = "gas"
    CALCIFIED_DISC = "calcified_disc"
    SPONDYLODISCITIS = "spondylodiscitis"
    MOTION = "motion"
    NOISE = "noise"
    THICK_SLICES = "thick_slices"
    PARTIAL_VIEW = "partial_view"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """One confounder: kind, level (None for the whole study), evidence against its threshold, effect.

    excludes_from_references: besides its effect, the vertebra is nobody's reference and gives no density.
    place_lps_mm: where it was seen, for the picture; None where it has no single place.
    """

    kind: str
    level: Level | None
    value: float
    threshold: float
    unit: str
    effect: Effect
    text: str
    excludes_from_references: bool = False
    place_lps_mm: tuple[float, float, float] | None = None

    @property
    def bars_reference(self) -> bool:
        """Whether the vertebra may serve neither as reference nor for density."""
        return self.excludes_from_references or self.effect == Effect.EXCLUDE
