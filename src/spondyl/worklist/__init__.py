"""The reading station's rules, without clock, disk or web: states, order, who sees what, who decides."""
