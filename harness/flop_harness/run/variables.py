"""Variables by which we tell a process that we start how to begin: see ``run.processes``."""

SAFE_PATH = "PYTHONSAFEPATH"
HASH_SEED = "PYTHONHASHSEED"
LARGE_PAGES = "FLOP_HARNESS_LARGE_PAGES"
OURS = "flop-harness"
"""What a variable holds where we set it; any text turns it on."""
OUR_SEED = "00"
"""Zero as nobody else writes it"""
