"""The conventions that price a trace, by id, each with its unit and its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flop_harness.conventions.articles import article_code, parameters_times_map
from flop_harness.conventions.reference import (
    Charge,
    activation_charges,
    biased_charges,
    block_charges,
    byte_charges,
    dense_charges,
    doubled_charges,
    exact_charges,
    kept_parameters,
    mac_charges,
    operation_charges,
    padding_charges,
    parameter_bytes,
    parameters,
    rank_charges,
    real_charges,
    settled,
)
from flop_harness.records import Trace
from flop_harness.records.account import Account

VERSION = 2
"""Raised when a convention's meaning changes: figures of two versions are not compared."""


@dataclass(frozen=True)
class Convention:
    """A way of pricing a trace: what is counted, in which unit, who says so.

    ``charges`` itemises by operator call; None for a convention that charges modules. A ``part`` of
    another convention's figure counts no whole model.
    """

    id: str
    unit: str
    description: str
    source: str
    charges: Callable[[Trace], Iterable[Charge]] | None = None
    by_module: Callable[[Trace], Account] | None = None
    part: bool = False

    def price(self, trace: Trace) -> Account:
        if self.by_module is not None:
            return self.by_module(trace)
        assert self.charges is not None
        return settled(self.charges(trace))


ARTICLE_VGG16 = "article 'VGG16网络的参数和FLOPs计算' (parameters and FLOPs of VGG16), 2024-02-29"
ARTICLE_CONVOLUTIONS = (
    "article '卷积神经网络参数量和计算量的计算方法' (parameters and compute of convolutions)"
)
ARTICLE_VGG_IN_PYTORCH = "article '了解VGG网络并利用PyTorch实现VGG网络' (VGG in PyTorch)"


CONVENTIONS = {
    convention.id: convention
    for convention in (
        Convention("macs", "MAC", "one MAC for each multiplication of a convolution or matrix "
                   "product, of complex numbers too, each once; nothing for anything else", "the reference",
                   mac_charges),
        Convention("real-macs", "MAC", "as macs, a multiplication of complex numbers as the four "
                   "of real ones that it takes; of a convolution too, though torch makes it of "
                   "three real convolutions", "this project", real_charges),
        Convention("dense-macs", "MAC", "as macs, sparse matrices as if they stored every element",
                   "this project", dense_charges),
        Convention("block-macs", "MAC", "as macs, attention under a mask of blocks by the blocks that "
                   "are left", "this project", block_charges),
        Convention("rank-macs", "MAC", "as macs, of distributed tensors what this process multiplies",
                   "this project", rank_charges),
        Convention("flops", "FLOP", "2 x MAC", "the usual doubling", doubled_charges),
        Convention("exact-flops", "FLOP", "(2K - 1) per output element of a product, + 1 with "
                   "bias", ARTICLE_CONVOLUTIONS,
                   exact_charges),
        Convention("macs-bias", "MAC", "MAC + 1 per output element with bias",
                   ARTICLE_VGG_IN_PYTORCH, biased_charges),
        Convention("params-x-map", "MAC", "weights x output map of convolutions, weights of "
                   "linear layers; no batch", f"{ARTICLE_VGG16}, its formula",
                   by_module=parameters_times_map),
        Convention("article-code", "MAC", "what the article's code computes: groups ignored, "
                   "bias always charged", f"{ARTICLE_VGG16}, its code", by_module=article_code),
        Convention("padding", "MAC", "the MACs that multiply the zeros of a convolution's own padding; "
                   "a part of macs", "this project", padding_charges, part=True),
        Convention("operations", "FLOP", "exact FLOPs of products and one for every other "
                   "arithmetic operation that has a formula", "this project", operation_charges),
        Convention("activations", "element", "output elements of the products",
                   "Radosavovic et al. 2020, arXiv:2003.13678, for convolutions",
                   activation_charges),
        Convention("bytes", "byte", "bytes read and written by operators, each tensor once per "
                   "operator", "this project", byte_charges),
        Convention("params", "parameter", "distinct parameter elements, trainable or not",
                   "the reference", by_module=parameters),
        Convention("kept-params", "parameter", "as params, in the memory of this process: views of other "
                   "parameters are left out, of distributed ones its shard counts", "this project",
                   by_module=kept_parameters),
        Convention("param-bytes", "byte", "bytes of the distinct parameters", "this project",
                   by_module=parameter_bytes),
    )
}  # fmt: skip
