"""A step of decoding: the model's own cache, filled by a prompt, and the tokens that come next."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flop_harness.errors import UserError
from flop_harness.suite.configured.inputs import made_for
from flop_harness.suite.configured.sizes import Sizes
from flop_harness.suite.configured.tensors import ids


@contextmanager
def experts_on_meta(module: Any, device: str) -> Iterator[None]:
    """Grouped products refuse float32 on meta; which kind runs leaves no trace in a cache."""
    before = getattr(module.config, "_experts_implementation", None)
    if device != "meta" or before != "grouped_mm":
        yield
        return
    module.set_experts_implementation("batched_mm")
    try:
        yield
    finally:
        module.set_experts_implementation(before)


def kinds_of_cache(tokens: int) -> dict[str, Callable[..., Any]]:
    """Kind -> what makes an empty cache of it for a configuration; the quantised by their backends."""
    import transformers

    return {
        "dynamic": transformers.DynamicCache,
        "static": partial(transformers.StaticCache, max_cache_len=tokens),
        **{each: partial(transformers.QuantizedCache, each) for each in ("fp8", "quanto", "hqq")},
    }


def empty_cache(config: Any, kind: str, tokens: int) -> Any:
    """For so many tokens. UserError for a kind that there is not, that needs another package or another model."""
    kinds = kinds_of_cache(tokens)
    if kind not in kinds:
        raise UserError(f"kwargs.cache: {kind!r} is none of {', '.join(kinds)}")
    try:
        return kinds[kind](config=config)
    except (ImportError, ValueError) as error:
        raise UserError(f"kwargs.cache: {kind!r}: {' '.join(str(error).split())}") from error


def cache_of(module: Any) -> str:
    """What the forward pass calls it, in this release of the library."""
    takes = inspect.signature(module.forward).parameters
    return "cache" if "cache" in takes else "past_key_values"


def step_of_decoding(
    module: Any, kind: str, past: int, batch: int, length: int | None = None
) -> dict[str, Any]:
    """The inputs of a step: with a cache that a prompt of ``past`` tokens has filled, the next token of each
    sequence, or the next ``length``, as where guessed ones are verified.

    A decoder beside an encoder has the keys and values of ``length`` tokens of this one in its cache too.
    """
    import torch

    if past < 1:
        raise UserError("kwargs.past: how many tokens the cache holds, at least 1")
    device = next(module.parameters()).device
    with torch.no_grad(), experts_on_meta(module, device.type):
        if "decoder_input_ids" in inspect.signature(module.forward).parameters:
            return step_beside_encoder(module, kind, past, batch, length)
        step = length or 1
        cache = empty_cache(module.config, kind, past + step)
        name = cache_of(module)
        sizes = Sizes(module, past, batch)
        module(input_ids=ids(sizes).to(device), **{name: cache, "use_cache": True})
    sizes.length = step
    return {"input_ids": ids(sizes), name: cache, "use_cache": True}


def step_beside_encoder(
    module: Any, kind: str, past: int, batch: int, length: int | None
) -> dict[str, Any]:
    """One token of a decoder; what its encoder said is known, and its keys and values are in the cache."""
    from transformers.modeling_outputs import BaseModelOutput

    if kind != "dynamic":
        raise UserError(f"kwargs.cache: {kind!r}: beside an encoder the cache is dynamic")
    device = next(module.parameters()).device
    inputs = made_for(module, length, batch)
    sizes = Sizes(module, past, batch)
    inputs["decoder_input_ids"] = ids(sizes)
    made = module(**{name: each.to(device) for name, each in inputs.items()}, use_cache=True)
    sizes.length = 1
    said = BaseModelOutput(last_hidden_state=made.encoder_last_hidden_state)
    return {"decoder_input_ids": ids(sizes), "encoder_outputs": said,
            cache_of(module): made.past_key_values, "use_cache": True}  # fmt: skip
