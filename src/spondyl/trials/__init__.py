"""Trials: the reader run over CTs whose truth is known, and the results handed to study.evaluation."""
