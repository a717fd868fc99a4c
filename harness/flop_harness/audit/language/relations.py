"""From the figures of a row to another one: the arithmetic that its source means, or may mean."""

from __future__ import annotations

from flop_harness.audit.language import passes, rates, runs, sizes
from flop_harness.audit.language.given import Given
from flop_harness.audit.language.possible import Candidate, Relation
from flop_harness.records import Claim

TARGETS: dict[str, Relation] = {
    "params": sizes.params, "active params": sizes.active_params,
    "non-embedding params": sizes.layer_params, "embedding params": sizes.embedding_params,
    "width": sizes.width, "layers": sizes.of_model(lambda shape: shape.layers),
    "heads": sizes.of_model(lambda shape: shape.heads),
    "kv heads": sizes.of_model(lambda shape: shape.kv_heads),
    "head size": sizes.of_model(lambda shape: shape.head_size, sizes.value_size),
    "mlp width": sizes.of_model(lambda s: s.mlp_width, sizes.expert_width, sizes.both_inputs),
    "flop per param": runs.flop_per_param, "flop per token": runs.flop_per_token,
    "tokens": runs.tokens, "batch tokens": runs.batch_tokens, "compute": runs.compute,
    "pf-days": runs.pf_days, "days": runs.days, "gpu hours": runs.gpu_hours,
    "tokens/s": rates.tokens_per_second, "tokens/s/gpu": rates.tokens_per_second_per_gpu,
    "samples/s": rates.samples_per_second, "tflops/gpu": rates.tflops_per_gpu,
    "pflops": rates.pflops, "peak share": rates.peak_share, "mfu": rates.model_utilisation,
    "mfu without attention": rates.mfu_without_attention, "hfu": rates.hfu, "ratio": rates.ratio,
    "forward flop": passes.forward_flop, "forward macs": passes.forward_macs,
    "training flop": passes.training_flop, "training macs": passes.training_macs,
}  # fmt: skip
"""How each quantity follows from others; a figure of any other is taken as given."""


def candidates(given: Given) -> list[Candidate]:
    """Everything that a figure may be, as its row is read."""
    metric = given.claim.metric
    return list(TARGETS[metric](given)) if metric in TARGETS else []


def follows(claim: Claim) -> bool:
    """Whether a figure follows from anything in its row; hours say at what rate at least."""
    return (
        claim.metric == "gpu hours" or next(TARGETS[claim.metric](Given(claim)), None) is not None
    )
