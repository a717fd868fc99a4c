"""Every convention by id: those of ``conventions/``, and what earlier versions of counters charged.

``EDITIONS`` names, for each tool, the conventions of its own beside its counters; ``PARTIAL`` tells what
is left out by those that count only parts of a model.
"""

from __future__ import annotations

from collections.abc import Mapping

from flop_harness.conventions.catalogue import ARTICLE_VGG16, CONVENTIONS, Convention
from flop_harness.conventions.partial import convolution_charges, folded_parameters, weights
from flop_harness.counters.fvcore import activation_charges
from flop_harness.counters.versions.layers import (
    PTFLOPS_0_6,
    THOP_0_0_22,
    THOP_0_0_23,
    THOP_0_0_30,
    THOP_0_0_31,
    averaged,
    by_last_call,
    by_layer,
    weights_of_rows,
)
from flop_harness.counters.versions.thop import by_hook, over_the_tree


def catalogue(*conventions: Convention) -> dict[str, Convention]:
    return {convention.id: convention for convention in conventions}


PUBLISHED = catalogue(
    Convention("conv-macs", "MAC", "MACs of convolutions alone", "He et al. 2016, section 3.3, of "
               "VGG-16: 15.3 billion", convolution_charges),
    Convention("weights", "parameter", "kernels and matrices: parameters of two dimensions or "
               "more", f"{ARTICLE_VGG16}, its examples",
               by_module=weights),
    Convention("params-folded", "parameter", "parameters but for those of normalisation layers",
               "tensorflow/models, research/slim/nets/mobilenet/README.md: MobileNet V2",
               by_module=folded_parameters),
    Convention("fvcore-activations", "element", "output elements of the convolutions and matrix "
               "products that torch.jit's tracer names; none of fused attention",
               "fvcore/nn/activation_count.py (0.1.5.post20221221)", activation_charges),
    Convention("thop-0.0.31", "MAC", "layer hooks; convolution with bias, batch normalisation 2 "
               "per element", "thop/vision/basic_hooks.py (0.0.31.post2005241907)",
               by_module=over_the_tree(THOP_0_0_31)),
    Convention("thop-0.0.30", "MAC", "layer hooks; linear layers 2K - 1, batch normalisation 4 per "
               "element", "thop/count_hooks.py (0.0.30.post1908302010)",
               by_module=by_hook(THOP_0_0_30)),
    Convention("thop-0.0.23", "MAC", "as 0.0.22 without max pooling", "thop/count_hooks.py "
               "(0.0.23.post1907171430)", by_module=by_last_call(THOP_0_0_23)),
    Convention("thop-0.0.22", "MAC", "as 0.0.30, a bias for each input channel, activations and "
               "max pooling", "thop/count_hooks.py (0.0.22)", by_module=by_last_call(THOP_0_0_22)),
    Convention("ptflops-0.6", "MAC", "layer hooks alone: activations and pools once",
               "ptflops/pytorch_ops.py (0.6.9)", by_module=averaged(by_layer(PTFLOPS_0_6))),
    Convention("torchinfo-0.0.9", "MAC", "weights of every row of its table x batch and output map",
               "torchinfo/layer_info.py (0.0.9)", by_module=weights_of_rows(batched=True)),
    Convention("torchinfo-0.0.8", "MAC", "weights of every row of its table x output map",
               "torchinfo/layer_info.py (0.0.5 to 0.0.8)", by_module=weights_of_rows(batched=False)),
)  # fmt: skip


CATALOGUE: Mapping[str, Convention] = {**CONVENTIONS, **PUBLISHED}
"""Every convention by id."""


EDITIONS = {
    "thop": ("thop-0.0.31", "thop-0.0.30", "thop-0.0.23", "thop-0.0.22"),
    "ptflops": ("ptflops-0.6",),
    "torchinfo": ("torchinfo-0.0.9", "torchinfo-0.0.8"),
    "fvcore": ("fvcore-activations",),
}
"""Distribution -> conventions of its earlier versions, the latest first, and of what it counts beside
a counter's own figures."""


PARTIAL = {
    "conv-macs": "convolutions alone", "weights": "biases and one-dimensional parameters left out",
    "params-folded": "normalisation layers left out",
    "padding": "products with padding alone",
}  # fmt: skip


FAMILIES = {
    "products alone": (
        "macs flops exact-flops macs-bias params-x-map article-code conv-macs torch ptflops-aten "
        "torchinfo torchinfo-0.0.9 torchinfo-0.0.8 torchprofile"
    ),
    "products and what layers charge beside them": (
        "thop thop-0.0.31 thop-0.0.30 thop-0.0.23 thop-0.0.22 ultralytics-thop ptflops-pytorch ptflops-0.6 "
        "fvcore mmengine flopth torchscan calflops deepspeed"
    ),
}


def family(counting: str) -> str:
    """What kind of count it is: figures of one kind differ in detail, not in what they count."""
    name = counting.partition(" ")[0]
    return next((kind for kind, names in FAMILIES.items() if name in names.split()), name)
