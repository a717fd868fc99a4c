"""What a model's own code asks of its tensors, and a trace would answer otherwise than a plain call.

On meta a tensor lies elsewhere; below autograd it has no history. Such a model is traced where the answer
is that of a plain call: on the CPU, with autograd at work.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from types import CodeType, FunctionType
from typing import Any

from torch import nn

from flop_harness.suite.sources import is_of_user
from flop_harness.trace.identity import functions_of, functions_used_by, reached
from flop_harness.trace.needs import GradientsNeeded, ValuesNeeded

OF_PLACE = frozenset({"is_cpu", "is_meta", "data_ptr", "get_device", "_dispatch_keys"})
PLACES = frozenset({"cpu", "meta"})
COMPARES = frozenset(dis.opmap[name] for name in ("COMPARE_OP", "CONTAINS_OP"))

OF_VIEWS = frozenset({"_version", "_base", "_is_view"})
"""What autograd keeps of a tensor whether or not gradients are recorded"""
OF_HISTORY = frozenset({"requires_grad", "grad_fn", "is_leaf"})
RECORDING = frozenset({"enable_grad", "set_grad_enabled"})

OF_WATCHERS = frozenset(
    """_getframe currentframe extract_stack format_stack walk_stack getrecursionlimit isenabled _call_impl
    _get_current_dispatch_mode _get_current_dispatch_mode_stack _get_dispatch_stack_at
    _len_torch_dispatch_stack is_in_torch_dispatch_mode _dispatch_tls_is_dispatch_key_included
    _dispatch_tls_is_dispatch_key_excluded""".split()
)
"""What shows that a pass is watched: calls in between, modes, what is set for its time"""
OF_TENSORS = frozenset({"vars", "repr"})
"""What shows how a tensor is made; a description of a module is no part of a pass"""
DESCRIBES = frozenset({"__repr__", "__str__", "extra_repr"})
CLOCKS = frozenset(
    """time time_ns datetime perf_counter perf_counter_ns monotonic monotonic_ns process_time
    process_time_ns thread_time""".split()
)


def refuse_if_it_minds(module: nn.Module) -> None:
    """ValuesNeeded, as for a model that looks at values, where meta may lead it another way."""
    if minds_place(module):
        raise ValuesNeeded("the model asks where its tensors lie")


def minds_place(module: nn.Module) -> bool:
    """Whether the user's own code asks for a device, the CPU or meta."""
    return UsersCode(module.modules()).any(asks_for_place)


def minds_copies(module: nn.Module) -> bool:
    """Whether the user's own code asks which object a module is."""
    return UsersCode(module.modules()).any(asks_who_it_is)


def refuse_if_it_minds_autograd(modules: Iterable[nn.Module], recorded: bool) -> None:
    """GradientsNeeded where the user's own code asks what autograd knows: of what is ``recorded``, or
    that it has recorded itself.
    """
    code = UsersCode(modules)
    recorded = recorded or code.any(records_gradients)
    if code.any(asks_for_views) or (recorded and code.any(asks_for_history)):
        raise GradientsNeeded("the model asks what autograd knows of its tensors")


def told_of_watchers(module: nn.Module) -> str:
    """That the user's own code asks for what a count may change, by the first name; empty where it does not."""
    code = UsersCode(module.modules())
    codes = (*code.held, *(each for kind in code.kinds for each in codes_of(kind)))
    name = min((name for each in codes for name in watchers_in(each)), default="")
    return (
        f"asks for what a count may change ({name}): counted as it goes meanwhile" if name else ""
    )


# ------------------------------------------------------------------------------------- code


class UsersCode:
    """The code of modules, by their ``kinds``, and what they have ``held`` as functions: one that is the model,
    hooks, what takes a method's place. That of installed packages is left out: those that we know take one
    way whatever the answer is.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        modules = list(modules)
        self.kinds: set[Any] = set(map(type, modules))
        self.held = list(users_codes(reached(functions_of(modules))))

    def any(self, asks: Callable[[CodeType], bool]) -> bool:
        return any(asked_in(kind, asks) for kind in self.kinds) or any(map(asks, self.held))


@cache
def asked_in(kind: Any, asks: Callable[[CodeType], bool]) -> bool:
    return any(map(asks, codes_of(kind)))


@cache
def codes_of(kind: type) -> tuple[CodeType, ...]:
    """The user's own code that a class uses; none of a class from elsewhere."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is not None and not is_users(file):  # a notebook has none
        return ()
    return tuple(users_codes(functions_used_by(kind)))


def users_codes(functions: Iterable[FunctionType]) -> Iterator[CodeType]:
    for each in functions:
        if is_users(each.__code__.co_filename):
            yield from with_inner(each.__code__)


is_users = cache(is_of_user)


def with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from with_inner(each)


# -------------------------------------------------------------------------------- questions


def asks_for_place(code: CodeType) -> bool:
    if not OF_PLACE.isdisjoint(code.co_names):
        return True
    named = "device" in code.co_names and not PLACES.isdisjoint(texts_in(code.co_consts))
    return named and not COMPARES.isdisjoint(code.co_code[::2])


def asks_for_views(code: CodeType) -> bool:
    return not OF_VIEWS.isdisjoint(code.co_names)


def asks_for_history(code: CodeType) -> bool:
    """Whether it reads what it may as well set: ``p.requires_grad = False`` is no question."""
    return not OF_HISTORY.isdisjoint(code.co_names) and any(
        each.opname == "LOAD_ATTR" and each.argval in OF_HISTORY
        for each in dis.get_instructions(code)
    )


def records_gradients(code: CodeType) -> bool:
    return not RECORDING.isdisjoint(code.co_names)


def watchers_in(code: CodeType) -> frozenset[str]:
    """What the code asks of its surroundings, of how a tensor is made, or of the clock where it chooses a way."""
    found = OF_WATCHERS.intersection(code.co_names)
    if {"inspect", "stack"} <= set(code.co_names):
        found |= {"inspect.stack"}
    if code.co_name not in DESCRIBES:
        found |= OF_TENSORS.intersection(globals_of(code))
    if any({"JUMP", "IF"} <= set(each.opname.split("_")) for each in dis.get_instructions(code)):
        found |= CLOCKS.intersection(globals_of(code))
    return found


def asks_who_it_is(code: CodeType) -> bool:
    """Whether it asks for ``id(self)``, which no copy has."""
    if "id" not in code.co_names:
        return False
    found = [each for each in dis.get_instructions(code) if each.opname != "CACHE"]
    return any(
        (one.opname, one.argval, two.opname.startswith("LOAD_FAST"), two.argval)
        == ("LOAD_GLOBAL", "id", True, "self")
        for one, two in pairwise(found)
    )


def globals_of(code: CodeType) -> set[str]:
    """Names that it loads from its file, or imports."""
    names = dis.get_instructions(code)
    return {each.argval for each in names if each.opname in ("LOAD_GLOBAL", "IMPORT_NAME")}


def texts_in(constants: Any) -> Iterator[str]:
    for each in constants:
        if isinstance(each, str):
            yield each
        elif isinstance(each, tuple | frozenset):
            yield from texts_in(each)
