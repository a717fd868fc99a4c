"""One forward pass written down at three nested levels: module > function > operator.

``recorder.record`` runs the model once. Unless ``execute`` is asked for, no kernel runs: every operator's
result is an empty tensor of the right shape, so that a trace costs less than a forward pass even
on real devices, and takes the very path (fused attention, recurrent kernels) that the device takes.
"""
