"""Formulas held against execution."""
