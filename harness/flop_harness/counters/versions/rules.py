"""By which rules a released version of a counter is explained.

Each rules was read in the source of its first and last release; a version in none of them is
explained by the rules of the present one, and what those leave over is a residual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from flop_harness.counters import (
    Counter,
    flopth,
    fvcore,
    onnx_tool,
    thop,
    torch_flops,
    torchprofile,
    torchscan,
    ultralytics_thop,
)
from flop_harness.counters.pricing.flop_counter_table import REGISTERED_2_15, by_module
from flop_harness.counters.versions import graphs, ultralytics
from flop_harness.counters.versions.layers import (
    PTFLOPS_0_6,
    THOP_0_0_22,
    THOP_0_0_23,
    THOP_0_0_30,
    THOP_0_0_31,
    Pricing,
    averaged,
    by_last_call,
    by_layer,
    weights_of_rows,
)
from flop_harness.counters.versions.ptflops import (
    PTFLOPS_0_5_2,
    PTFLOPS_0_6_4,
    PTFLOPS_0_6_5,
    PTFLOPS_0_7_1,
    PTFLOPS_0_7_2,
    PTFLOPS_FIRST,
    beside_functions,
    with_weights,
)
from flop_harness.counters.versions.released import is_version
from flop_harness.counters.versions.thop import (
    THOP_2019_08,
    THOP_2019_10,
    THOP_2020_01,
    THOP_2020_04,
    THOP_2022_06,
    below_the_root,
    by_hook,
    in_single_precision,
    of_hooked,
    of_leaves,
)
from flop_harness.counters.versions.torchinfo import with_rows_inserted
from flop_harness.records import Trace

Breakdown = Callable[[Trace], Mapping[str, int | float] | None]


@dataclass(frozen=True)
class VersionRules:
    """Versions that charged alike, written as in a requirement, and where their rules stand.

    ``breakdown`` gives the figures by module; None where those are not held against a rule.
    ``params`` prices parameters where these versions did so in another way.
    """

    versions: str
    price: Pricing
    source: str
    breakdown: Breakdown | None = None
    params: Pricing | None = None

    def has(self, version: str) -> bool:
        return is_version(version) and any(
            SpecifierSet(each, prereleases=True).contains(Version(version))
            for each in self.versions.split(" or ")
        )


def as_of(counter: Counter, version: str) -> Counter:
    """The counter with the rules of that version, the present ones' where no others are known."""
    for rules in RULES_OF.get(counter.id.partition("@")[0], ()):
        if rules.has(version):
            compute = replace(counter.quantities["compute"], price=rules.price,
                              breakdown=rules.breakdown)  # fmt: skip
            quantities = {**counter.quantities, "compute": compute}
            if rules.params is not None:
                quantities["params"] = replace(quantities["params"], price=rules.params)
            return replace(counter, quantities=quantities, source=rules.source)
    return counter


# --------------------------------------------------------------------------------------- table

HOOKS, BASIC = "thop/count_hooks.py", "thop/vision/basic_hooks.py"
CRAWLED = "torchscan/crawler.py, torchscan/modules/macs.py"
JIT = "fvcore/nn/flop_count.py, fvcore/nn/jit_handles.py"


def of_nodes(rules: fvcore.Rules) -> Pricing:
    return partial(fvcore.price_compute, rules=rules)


def flopths(rules: Mapping[str, flopth.Rule]) -> Pricing:
    return partial(flopth.price_compute, rules=rules)


def torchscanned(rules: Mapping[str, torchscan.Rule]) -> Pricing:
    return partial(torchscan.price_first_calls, rules=rules)


def torchprofiled(products: torchprofile.Products, per_output: torchprofile.PerOutput) -> Pricing:
    return partial(torchprofile.price_compute, products=products, per_output=per_output)


def thops(rules: Mapping[str, thop.Rule], copies: bool = True) -> Pricing:
    return partial(thop.price_compute, rules=rules, copies=copies)


def of_thop(rules: Mapping[str, thop.Rule]) -> Pricing:
    return partial(thop.price_params, rules=rules)


ROUNDED_LEAVES = in_single_precision(of_leaves)

RULES_OF: Mapping[str, tuple[VersionRules, ...]] = {
    "thop": (
        VersionRules("<0.0.23,>=0.0.22 or >=0.0.23.post1906241153,<0.0.23.post1907171430",
            in_single_precision(by_last_call(THOP_0_0_22)), f"{HOOKS} (0.0.22)", params=ROUNDED_LEAVES),
        VersionRules(">=0.0.23.post1907171430,<0.0.30,!=0.0.23.post1908061459",
            in_single_precision(by_last_call(THOP_0_0_23)), f"{HOOKS} (0.0.23.post1907171430)",
            params=ROUNDED_LEAVES),
        VersionRules("==0.0.23.post1908061459 or >=0.0.30.post190806,<0.0.30.post1908281655",
            in_single_precision(by_hook(THOP_2019_08)), f"{HOOKS} (0.0.30.post190806)",
            params=ROUNDED_LEAVES),
        VersionRules(">=0.0.30.post1908281655,<0.0.31.post1910280903",
            in_single_precision(by_hook(THOP_0_0_30)), f"{HOOKS} (0.0.30.post1908302010)",
            params=ROUNDED_LEAVES),
        VersionRules(">=0.0.31.post1910280903,<0.0.31.post2001170342",
            in_single_precision(by_hook(THOP_2019_10)), f"{HOOKS} (0.0.31.post1910280903)",
            params=ROUNDED_LEAVES),
        VersionRules("==0.0.31.post2001170342", in_single_precision(by_hook(THOP_2020_01)),
            f"{HOOKS} (0.0.31.post2001170342)", params=ROUNDED_LEAVES),
        VersionRules("==0.0.31.post2004070130", by_hook(THOP_2020_04), f"{BASIC} (0.0.31.post2004070130)",
            params=of_leaves),
        VersionRules("==0.0.31.post2004101309", below_the_root(thops(THOP_2020_04, copies=False)),
            f"{BASIC}, thop/profile.py (0.0.31.post2004101309)", params=of_hooked(THOP_2020_04)),
        VersionRules(">=0.0.31.post2005141432,<0.0.32 or >=0.0.4.post0,<0.0.4.post2109101449",
            below_the_root(thops(THOP_2020_04, copies=False)), f"{BASIC} (0.0.31.post2005241907)",
            params=of_thop(THOP_2020_04)),
        VersionRules(">=0.0.4.post2109101449,<0.0.5.post2206100352", thops(THOP_0_0_31),
            f"{BASIC}, thop/rnn_hooks.py (0.0.4.post2110061704)", params=of_thop(THOP_0_0_31)),
        VersionRules("==0.0.5.post2206100352", thops(THOP_2022_06), f"{BASIC} (0.0.5.post2206100352)",
            params=of_thop(THOP_2022_06)),
    ),
    "torch": (
        VersionRules(">=2.15.dev0", partial(torch_flops.price_compute, registered=REGISTERED_2_15),
            "torch/utils/flop_counter.py (2.15.0)", partial(by_module, registered=REGISTERED_2_15)),
    ),
    "ptflops-pytorch": (
        VersionRules("<0.5.2", averaged(by_layer(PTFLOPS_FIRST)), "ptflops/flops_counter.py (0.3)"),
        VersionRules(">=0.5.2,<0.6.1", averaged(by_layer(PTFLOPS_0_5_2)), "ptflops/flops_counter.py (0.6)"),
        VersionRules(">=0.6.1,<0.6.4", with_weights(PTFLOPS_0_5_2), "ptflops/flops_counter.py (0.6.3)"),
        VersionRules("==0.6.4", with_weights(PTFLOPS_0_6_4), "ptflops/flops_counter.py (0.6.4)"),
        VersionRules(">=0.6.5,<0.6.7", with_weights(PTFLOPS_0_6_5), "ptflops/flops_counter.py (0.6.5)"),
        VersionRules(">=0.6.7,<0.7", with_weights(PTFLOPS_0_6), "ptflops/flops_counter.py (0.6.9)"),
        VersionRules("==0.7", with_weights(PTFLOPS_0_7_1), "ptflops/pytorch_ops.py (0.7)"),
        VersionRules("==0.7.1", beside_functions(with_weights(PTFLOPS_0_7_1), linear=True),
            "ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.1)"),
        VersionRules(">=0.7.1.1,<0.7.2", beside_functions(with_weights(PTFLOPS_0_7_1)),
            "ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.1.1)"),
        VersionRules(">=0.7.2,<0.7.5", beside_functions(with_weights(PTFLOPS_0_7_2)),
            "ptflops/pytorch_ops.py (0.7.4)"),
    ),
    "torchinfo": (
        VersionRules("<0.0.9", weights_of_rows(batched=False), "torchinfo/layer_info.py (0.0.5)"),
        VersionRules(">=0.0.9,<0.1.2", weights_of_rows(batched=True), "torchinfo/layer_info.py (0.0.9)"),
        VersionRules("==1.7.0", with_rows_inserted, "torchinfo/torchinfo.py (1.7.0)"),
    ),
    "torchprofile": (
        VersionRules("<0.0.3", torchprofiled(graphs.PRODUCTS_0_0_3, graphs.PER_OUTPUT_0_0_2),
            "torchprofile/handlers.py (0.0.2)"),
        VersionRules("==0.0.3", torchprofiled(graphs.PRODUCTS_0_0_3, graphs.PER_OUTPUT_0_0_4),
            "torchprofile/handlers.py (0.0.3)"),
        VersionRules("==0.0.4", torchprofiled(graphs.PRODUCTS_0_0_4, graphs.PER_OUTPUT_0_0_4),
            "torchprofile/handlers.py (0.0.4)"),
    ),
    "fvcore": (
        VersionRules("<0.1.dev200228", of_nodes(graphs.FVCORE_2020_02_10), f"{JIT} (0.1.dev200210)"),
        VersionRules(">=0.1.dev200228,<0.1.2.post20210115", of_nodes(graphs.FVCORE_2020_02_28),
            f"{JIT} (0.1.1.post20200602)"),
        VersionRules(">=0.1.2.post20210115,<0.1.3.post20210224", of_nodes(graphs.FVCORE_2021_01),
            f"{JIT} (0.1.2.post20210126)"),
        VersionRules(">=0.1.3.post20210224,<0.1.3.post20210226", of_nodes(graphs.FVCORE_2021_02_24),
            f"{JIT} (0.1.3.post20210224)"),
        VersionRules(">=0.1.3.post20210226,<0.1.3.post20210311", of_nodes(graphs.FVCORE_2021_02_26),
            f"{JIT} (0.1.3.post20210226)"),
        VersionRules(">=0.1.3.post20210311,<0.1.5.post20210604", of_nodes(graphs.FVCORE_2021_03),
            f"{JIT} (0.1.3.post20210317)"),
        VersionRules(">=0.1.5.post20210604,<0.1.5.post20220119", of_nodes(graphs.FVCORE_2021_06),
            f"{JIT} (0.1.5.post20210604)"),
    ),
    "onnx-tool": (
        VersionRules("<0.9", partial(onnx_tool.price_compute, rules=graphs.ONNX_TOOL_0_8),
            "onnx_tool/node.py (0.8.5)"),
    ),
    "flopth": (
        VersionRules("<0.0.5", flopths(flopth.RULES_0_0_1), "flopth/helper.py (0.0.4)"),
        VersionRules(">=0.0.5,<0.1", flopths(flopth.RULES_0_0_5), "flopth/helper.py (0.0.502)"),
        VersionRules(">=0.1,<0.1.3", flopths(flopth.RULES_0_1_1), "flopth/helper.py (0.1.2)"),
        VersionRules(">=0.1.3,<0.1.5", flopths(flopth.RULES_0_1_3), "flopth/helper.py (0.1.4)"),
    ),
    "torchscan": (
        VersionRules("==0.1.0", torchscanned(torchscan.RULES_0_1_0), f"{CRAWLED} (0.1.0)"),
        VersionRules("==0.1.1", torchscanned(torchscan.RULES_0_1_1), f"{CRAWLED} (0.1.1)"),
        VersionRules(">=0.1.2,<0.2", torchscanned(torchscan.RULES), f"{CRAWLED} (0.1.2)"),
    ),
    "ultralytics-thop": (
        VersionRules("<2.0.15", thop.price_compute, f"thop/profile.py, {BASIC} (2.0.14)"),
        VersionRules("==2.0.15", partial(thop.price_compute, rules=ultralytics.ULTRALYTICS_2_0_15),
            f"{BASIC} (2.0.15)"),
        VersionRules(">=2.0.16,<2.0.22", partial(thop.price_compute, rules=ultralytics.ULTRALYTICS_2_0_16),
            f"{BASIC}, thop/vision/calc_func.py (2.0.16)"),
        VersionRules(">=2.0.22,<2.1.2", by_layer(ultralytics.ULTRALYTICS_2_0_16),
            f"thop/profile.py, {BASIC} (2.0.22)"),
        VersionRules("==2.1.2", ultralytics.by_ancestor(ultralytics.ULTRALYTICS_2_1_2),
            f"thop/profile.py, {BASIC} (2.1.2)"),
        VersionRules("==2.1.3", ultralytics.by_ancestor(ultralytics.ULTRALYTICS_2_1_3),
            f"thop/profile.py, {BASIC} (2.1.3)"),
        VersionRules(">=2.1.4,<2.1.6", ultralytics.by_ancestor(ultralytics.ULTRALYTICS_2_1_4),
            f"thop/profile.py, {BASIC} (2.1.4)"),
        VersionRules("==2.1.6", ultralytics.by_ancestor(ultralytics_thop.RULES),
            f"thop/profile.py, {BASIC}, thop/rnn_hooks.py (2.1.6)"),
        VersionRules(">=2.2.0,<2.2.2", ultralytics.beside_functions(*ultralytics.LATER, *ultralytics.EINSUM),
            "thop/profile.py (2.2.0)"),
        VersionRules("==2.2.2", ultralytics.beside_functions(*ultralytics.LATER), "thop/profile.py (2.2.2)"),
    ),
}  # fmt: skip
"""Counter -> its earlier rules"""
