"""Neutral tables, one file for each subject: columns and rows, for every format to show."""
