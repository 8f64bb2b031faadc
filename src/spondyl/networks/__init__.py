"""torch modules and nothing else. Needs the ``train`` extra."""
