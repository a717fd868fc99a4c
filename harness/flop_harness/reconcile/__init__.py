"""From accounts and readings to bridges, and a run held against another."""
