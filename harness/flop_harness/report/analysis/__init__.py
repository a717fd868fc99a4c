"""What a run says, computed from its records: who agrees, why counters differ, what is found."""
