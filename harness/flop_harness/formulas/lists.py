"""Operators on lists of tensors, which optimisers use: as many calls of the plain operator."""

from __future__ import annotations

from functools import reduce

from flop_harness.formulas.elementwise import ELEMENTWISE
from flop_harness.formulas.registry import FORMULAS, Formula, formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import Work

SINGLE = {
    **{name: name for names in ELEMENTWISE for name in names.split()},
    **{name: name for name in "add sub div pow clamp_min clamp_max lerp addcmul addcdiv".split()},
    "norm": "linalg_vector_norm",
    "max": "max",
}
"""``_foreach_`` and a name -> the operator on one tensor"""


def on_each(single: str) -> Formula:
    plain = FORMULAS[single]

    def work(call: Call) -> Work | None:
        works = [plain(one) for one in calls(call, f"{single}.default")]
        known = [each for each in works if each is not None]
        return reduce(Work.__add__, known, Work(kind=known[0].kind if known else ""))

    return work


def calls(call: Call, name: str) -> list[Call]:
    """One call for each place of the lists, with all else as it is."""
    lists = [arg for arg in call.args if is_list(arg)]
    outputs = call.output if is_list(call.output) else lists[0]
    return [
        call._replace(
            name=name,
            args=tuple(arg[place] if is_list(arg) else arg for arg in call.args),
            output=output,
        )
        for place, output in enumerate(outputs)
    ]


def is_list(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Tensor)


for _name, _single in SINGLE.items():
    if f"aten.{_single}" in FORMULAS:
        formula(f"aten._foreach_{_name}", f"aten._foreach_{_name}_")(on_each(f"aten.{_single}"))
