"""All colours of the pictures, and the palette of 256 that a picture is stored with.

Grades after Okabe and Ito (2008), which people with colour-blindness tell apart; line width and the words
beside them tell the grades in grey.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from PIL import Image

Colour: TypeAlias = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (240, 240, 240)
DIM: Colour = (165, 172, 180)
POINT: Colour = (255, 255, 255)
NO_GRADE: Colour = (190, 190, 190)
GRADES: tuple[Colour, Colour, Colour, Colour] = (
    (104, 178, 222),
    (240, 228, 66),
    (240, 150, 20),
    (232, 82, 20),
)
MEASURED: Colour = (86, 200, 240)
EXPECTED: Colour = (255, 214, 64)

_GREYS = 160  # more than an eye or a screen tells apart on these pictures
_BACKGROUNDS: tuple[Colour, Colour] = (BLACK, (90, 90, 90))  # what a line's soft edge runs into
_MIXTURES = 8


@cache
def palette() -> Image.Image:
    """An image that carries the palette: greys, and each colour of a line blended into its background.

    With it a picture takes half the space of one in full colour, and looks the same (mean difference of
    1-2 in 255 on the demo CT).
    """
    greys = [(level, level, level) for level in np.linspace(0, 255, _GREYS).round().astype(int).tolist()]
    blends = [
        tuple(round(b + (c - b) * share) for b, c in zip(background, colour, strict=True))
        for colour in (*GRADES, MEASURED, EXPECTED)
        for background in _BACKGROUNDS
        for share in np.linspace(1 / _MIXTURES, 1, _MIXTURES).tolist()
    ]
    image = Image.new("P", (1, 1))
    image.putpalette([value for colour in (*greys, *blends) for value in colour])
    return image
