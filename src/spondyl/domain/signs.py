"""What a vertebra shows that matters to whoever may treat it; and what speaks for a broken endplate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spondyl.domain.level import Level


class EndplateEvidence(StrEnum):
    """What speaks for a broken endplate or cortex (clinical-methods §1.6)."""

    DEPRESSED_SUPERIOR = "depressed_superior"
    DEPRESSED_INFERIOR = "depressed_inferior"
    CORTICAL_STEP = "cortical_step"
    COMPACTION_BAND = "compaction_band"
    GAS_CLEFT = "gas_cleft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Signs of one measured vertebra; None where one could not be measured.

    evidence: of a broken endplate or cortex; none of it does not exclude a fracture.
    depression_mm: (superior, inferior) deepest part of each endplate under the plane through its rims.
    retropulsion_mm: how far the posterior wall reaches behind the line between its neighbours' walls.
    translation_mm: how far the wall stands behind (+) or before (-) that of the vertebra below.
    canal_mm: depth of the bony canal in the midline. canal_narrowing_fraction: against the neighbours'.
    pedicle_bone_fractions: (right, left) share of each pedicle that is bone.
    cortex_gap_mm2: largest hole of the body's side wall, the pedicles' and the vein's place left out.
    cleft_ml: gas in the body. compaction_hu: how much denser the band under an endplate is than the core.
    kyphosis_deg: angle between the upper endplate of the vertebra above and the lower one of that below,
        positive forwards. own_wedge_deg: between the vertebra's own endplates.
    adjacent_fractures: how many of the two neighbours are of grade 1 or more.
    is_plana: the height left is so small that the body is a plate.
    """

    level: Level
    evidence: tuple[EndplateEvidence, ...]
    depression_mm: tuple[float, float]
    retropulsion_mm: float | None
    translation_mm: float | None
    canal_mm: float | None
    canal_narrowing_fraction: float | None
    pedicle_bone_fractions: tuple[float, float] | None
    cortex_gap_mm2: float
    cleft_ml: float
    compaction_hu: float | None
    kyphosis_deg: float | None
    own_wedge_deg: float
    adjacent_fractures: int
    is_plana: bool
