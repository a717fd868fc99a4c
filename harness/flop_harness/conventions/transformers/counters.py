"""What counters of running models come to, as formulas over the shape."""

from __future__ import annotations

from flop_harness.conventions.transformers import coverage as asks
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers import switches as sw
from flop_harness.conventions.transformers.formula import Formula, Symbols
from flop_harness.conventions.transformers.papers import linear, reference


def hf_trainer(s: Symbols) -> int:
    learned = weights.positions(s.shape)
    return 6 * (s.N_all - s.V * s.h - learned)


def fused(s: Symbols) -> int:
    """Backward passes of attention at five products, forward at two."""
    return 6 * linear(s) + 6 * s.h * s.V + 7 * s.L * s.pair * s.T


def unseen(s: Symbols) -> int:
    return 6 * linear(s) + 6 * s.h * s.V


TORCH = "torch 2.14.1 torch/utils/flop_counter.py"
GROUPED = (asks.like_grouped_products,)
FORMULAS = (
    Formula("hf-trainer", "6 x parameters without embeddings", "transformers 5.24.0 "
            "trainer.py:4224, floating_point_ops", hf_trainer,
            (sw.NO_TIED_HEAD, sw.NO_SCORES, *sw.SMALL, sw.ALL_EXPERTS), latent=True),
    Formula("flopcounter-meta", "FlopCounterMode on meta, or with the plain kernel", TORCH,
            reference, covers=GROUPED, latent=True),
    Formula("flopcounter-flash", "FlopCounterMode with CUDA's fused attention", f"{TORCH}:594-627",
            fused, passes=(sw.FUSED,), covers=GROUPED, latent=True),
    Formula("flopcounter-cpu", "FlopCounterMode with the CPU's fused attention", TORCH, unseen,
            (sw.NO_SCORES,), covers=GROUPED, latent=True),
    Formula("deepspeed", "forward by patched functions, x 3", "microsoft/DeepSpeed "
            "deepspeed/profiling/flops_profiler/profiler.py:857 @38327e07", reference,
            covers=GROUPED, latent=True),
)  # fmt: skip
