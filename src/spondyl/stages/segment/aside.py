"""Does a body lie beside the line of its neighbours? No spine steps sideways from one body to the next.

Forward and back a body may slip (spondylolisthesis), and the lumbosacral bend is sharp: only sideways counts.
"""

from __future__ import annotations

from spondyl.stages.segment.outline import Outline

# Ours: on the real CTs at hand bodies lie within 1.5 mm (ends of the chain: 3 mm) of that line; 60 degrees
# of scoliosis over five bodies, 12 degrees from one to the next, give 3 mm and 6 mm.
_BETWEEN_MM = 6.0
_AT_THE_END_MM = 9.0


def is_aside(outlines: list[Outline], place: int) -> bool:
    """Whether a body lies too far to the left or right of the line through its two nearest neighbours.

    outlines: head to foot. Of fewer than three bodies nothing is known.
    """
    last = len(outlines) - 1
    if last < 2:
        return False
    is_between = 0 < place < last
    one, other = (place - 1, place + 1) if is_between else (1, 2) if place == 0 else (last - 1, last - 2)
    start = outlines[one].centre_lps_mm
    along = outlines[other].centre_lps_mm - start
    away = outlines[place].centre_lps_mm - start
    off_the_line = away - along * (away @ along) / (along @ along)
    sideways = abs(float(off_the_line @ outlines[place].frame[:, 0]))
    return sideways > (_BETWEEN_MM if is_between else _AT_THE_END_MM)
