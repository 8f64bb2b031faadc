"""The outside world, one file each: inference engines, the demo CT."""
