"""Operators without a formula: those that may hold products of matrices, and those that cannot."""

from __future__ import annotations

import re
from functools import cache

LIBRARIES = frozenset(
    """aten prims prim torchvision image quantized _quantized quantization onednn mkldnn
    mkldnn_prepacked mkl profiler rngprims streams cuda c10d _c10d_functional c10d_functional
    _c10d_functional_autograd symm_mem fsdp _dtensor torch_nn inductor inductor_prims debugprims mempool
    sparse""".split()
)
"""Namespaces of torch and torchvision, whose operators say by their names what they do"""

PRODUCT = re.compile(
    r"""q?conv(?!ert)\w* | \w*mm | \w*mv | \w*matmul | attention | q?linear | v?dot | lstm | gru | rnn
    | einsum | bilinear | trilinear | chain | outer | linalg | ger | kron | tensordot | \w*solve | gemm""",
    re.VERBOSE,
)
"""A word of an operator's name that stands for a product"""


@cache
def may_multiply(operator: str) -> bool:
    """Whether ``aten._grouped_mm``, say, may hold products, by its name alone.

    An operator of anybody else may do anything.
    """
    namespace, _, name = operator.partition(".")
    if namespace not in LIBRARIES:
        return True
    if name.startswith(("upsample", "_upsample")):
        return False
    return any(PRODUCT.fullmatch(word) for word in name.split("_"))
