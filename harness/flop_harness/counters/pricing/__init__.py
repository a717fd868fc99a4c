"""What rules of counters are made of: what several share, and what is too long for the file of one."""
