"""Formulas by which language models are costed, as conventions over a transformer's shape."""
