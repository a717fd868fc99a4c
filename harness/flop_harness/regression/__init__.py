"""Figures held against earlier ones: goldens, drift over versions, effects, the pytest plugin."""
