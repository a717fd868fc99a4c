"""Neutral tables: columns and rows, for every format to show."""
