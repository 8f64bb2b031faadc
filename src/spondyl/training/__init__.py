"""Examples -> weights. Needs the ``train`` extra (torch).

``train`` makes one network out of synthetic CT; ``publish`` puts finished networks into the package.
"""

from __future__ import annotations

from spondyl.training.loop import TrainingError, TrainingSettings, train
from spondyl.training.publish import publish

__all__ = ["TrainingError", "TrainingSettings", "publish", "train"]
