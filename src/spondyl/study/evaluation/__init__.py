"""How good the reading is where the truth is known: matching, figures with intervals, tables. Pure."""
