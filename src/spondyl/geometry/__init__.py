"""Arrays and millimetres only: affines, resampling, planes, curves. Knows nothing of CT or vertebrae."""
