"""Norms and weights of the label stage.

Pitch by level from 2,116 CTs (ImFusion VID, anatomy-and-norms §4.7); frequencies of numbering variants
from anatomy-and-norms §4.7 and clinical-methods §2 (11 ribs 8 %, 13 ribs 0.4 %, six lumbar about 2 %).
Everything else is our choice, set on synthetic CT.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the evidence for a numbering is weighed.

    number_bias_sd: spread of the common error of all running numbers that the network gives one spine.
    level_weight: share of their single errors that counts (neighbours err together).
    rib_certainty: probability that a rib is seen where there is one, and not seen where there is none.
    sacrum_certainty: the same for the sacrum below the last vertebra.
    pitch_sd, size_sd: spread of one step and of the whole spine's size, as log of the ratio to the norm.
    pitch_weight: share of the steps that counts.
    ratio_sd, patient_ratio_sd: spread of depth over width of one body, and of the whole spine's, as log.
    ratio_weight: share of the ratios that counts (neighbours err together).
    patient_turn_sd_deg: spread of the whole patient's lean on the table, degrees.
    curve_weight: share of the steps' leans that counts (neighbours err together).
    eleven_thoracic_prior, thirteen_thoracic_prior, four_lumbar_prior, six_lumbar_prior: how often
        each departure from 12 thoracic and 5 lumbar vertebrae occurs.
    outlined_sacrum_prior: how often the first sacral body is outlined like a vertebra (the networks learn
        it as sacrum); without it six lumbar bodies would always be read as five and S1.
    missed_prior: how often a body is missed inside the chain.
    certain_probability: below this a name is marked uncertain.
    anchor_margin: evidence (0-1) by which a rib or the sacrum must change to count as an anchor.
    """

    number_bias_sd: float = 1.2
    level_weight: float = 0.35
    rib_certainty: float = 0.96
    sacrum_certainty: float = 0.9
    pitch_sd: float = 0.07
    size_sd: float = 0.08
    pitch_weight: float = 0.5
    ratio_sd: float = 0.07
    patient_ratio_sd: float = 0.06
    ratio_weight: float = 0.5
    patient_turn_sd_deg: float = 7.0
    curve_weight: float = 0.5
    eleven_thoracic_prior: float = 0.02
    thirteen_thoracic_prior: float = 0.004
    four_lumbar_prior: float = 0.01
    six_lumbar_prior: float = 0.02
    outlined_sacrum_prior: float = 0.15
    missed_prior: float = 0.03
    certain_probability: float = 0.90
    anchor_margin: float = 0.35
