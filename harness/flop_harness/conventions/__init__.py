"""Rules over a trace: the reference account, and conventions that are published."""
