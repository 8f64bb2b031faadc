"""How the report looks and what it singles out. None of these numbers changes a grade or a state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the report stage; all values are ours, set by looking at real CT.

    tile_probability: a vertebra gets a tile of its own from this probability of grade >= 2 on (at the
        limit: included), even when its grade is 0.
    window_centre_hu, window_width_hu: grey window of all pictures (bone).
    sample_mm: sampling distance of the reformats along the spine, before they are enlarged.
    slab_mm: thickness over which a reformat is averaged; less noise, no blur along the endplates.
    spine_pixels_per_mm: resolution of the spine picture, lowered where it would pass spine_height_px.
    tile_sample_mm, tile_slab_mm, tile_pixels_per_mm, tile_field_mm: the same for the two panels of a
        tile, and their side length.
    """

    tile_probability: float = 0.2
    window_centre_hu: float = 300.0
    window_width_hu: float = 1200.0
    sample_mm: float = 0.7
    slab_mm: float = 4.0
    spine_pixels_per_mm: float = 2.9
    spine_height_px: int = 1700
    tile_sample_mm: float = 0.4
    tile_slab_mm: float = 2.0
    tile_pixels_per_mm: float = 6.0
    tile_field_mm: float = 72.0
