"""Questions about models: count, compare, convert, explain."""
