"""Seconds of a forward pass: on which clock, on which device, and what the samples say."""
