"""Who runs where and when: cells, each in a process of its own."""
