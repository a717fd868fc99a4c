"""Published figures about language models: each held against what its row says beside it."""
