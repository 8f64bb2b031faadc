"""Every threshold of this room, with its source: a section of clinical-methods.md, or "ours"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """When a study is flagged, and when it cannot be judged.

    flag_probability: a vertebra whose probability of grade 2 or more reaches this flags the study (ours: a
        loss of 25 % is read 3 points too low as often as not, and of the normal vertebrae none came near).
    least_grade: and which has lost at least this grade: what is within the normal does not flag (ours).
    unread_score: the least score of a study with a vertebra in the row that was not read (ours: even odds).
    min_vertebrae: fewer vertebrae read, none of them flagged, make the study NOT_EVALUABLE (§10 input).
    full_spacing_mm: above it the slices are called thick in the reasons (§1.8).
    same_vertebra_mm: centres nearer than this are one vertebra seen in two stacks (ours: half a disc-to-disc
        distance of the upper thorax). same_name_mm: centres of one name further apart disagree (§10 levels).
    score_sharpness, score_vertebrae: how single probabilities add up (ours; see ``score_of``).
    unflagged_score_limit: the score of a study that is not flagged stays below this (ours).
    """

    flag_probability: float = 0.25
    least_grade: int = 1
    unread_score: float = 0.5
    min_vertebrae: int = 4
    full_spacing_mm: float = 1.5
    same_vertebra_mm: float = 10.0
    same_name_mm: float = 15.0
    score_sharpness: float = 2.0
    score_vertebrae: int = 3
    unflagged_score_limit: float = 0.099
