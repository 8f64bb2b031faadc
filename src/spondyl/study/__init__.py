"""The study around the detector: report comparison, reading records, statistics, tables."""
