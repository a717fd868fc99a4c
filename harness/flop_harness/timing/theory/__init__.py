"""What a count lets one expect of time and memory, and how well it does."""
