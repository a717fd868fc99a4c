"""A model's forward pass with the backward pass after it, as one module."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from flop_harness.errors import UserError


class TrainingStep(torch.nn.Module):
    """Gradients of all outputs that have any, of ones; the loss and the optimiser are left out.

    Raises UserError where no output has a gradient.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        outputs = self.model(*args, **kwargs)
        last = [each for each in tree_leaves(outputs)
                if isinstance(each, torch.Tensor) and each.requires_grad]  # fmt: skip
        if not last:
            raise UserError("no output of the model has a gradient: there is no backward pass")
        torch.autograd.backward(last, [torch.ones_like(each) for each in last])
        return outputs
