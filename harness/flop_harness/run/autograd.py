"""Torch's engine of gradients, started while it needs no threads: a process that has some cannot be forked.

The engine starts a thread for each device that there is when the first gradient is taken. Fake tensors,
and ``torch.export`` by them, give torch devices of CUDA that are not there: taken after one, the first
gradient starts eight threads, and torch refuses gradients in every fork.
"""

from __future__ import annotations

FORKED = "Autograd-and-Fork"
"""What torch says where gradients are taken in a fork of a process that has taken some"""


def start_engine() -> None:
    """Take a first gradient, where there is no device but the CPU: no thread is started then or later."""
    import torch

    built_for = torch.accelerator.current_accelerator()
    if built_for is None or (built_for.type == "cuda" and not torch.cuda.device_count()):
        torch.ones((), requires_grad=True).backward()
