"""Changes of the station's tables, in their order; a released one is never edited."""
