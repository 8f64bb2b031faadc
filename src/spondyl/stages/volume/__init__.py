"""From the stored values of an accepted series to Hounsfield units on a regular grid.

In: ``AcceptedSeries``. Out: ``CtVolume``, int16; padding and values below -1024 (outside the scan
circle) are HU_FLOOR. Refuses: nothing; ingest has checked the series.
"""

from __future__ import annotations

from spondyl.stages.volume.assemble import assemble

__all__ = ["assemble"]
