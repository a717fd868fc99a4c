"""Which sentences, tables and charts make up each document, and which files are written of it."""
