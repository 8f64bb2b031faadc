"""What travels between the stages: frozen, typed, checked when built, without effects.

The files follow the data's way: level, refusal, series, volume, spine, vertebra, measurement,
grading, confounder, finding, manifest.
"""
