"""What this tool costs beside others, and its clock beside torch's: run by ``make bench``."""
