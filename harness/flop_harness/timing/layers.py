"""Seconds inside each module of a forward pass, by hooks, and what the hooks cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flop_harness.suite.collection import uncollected
from flop_harness.timing.clock import Clock
from flop_harness.timing.sampling import timed


class Stopwatches:
    """Seconds spent in each module called, those inside it taken out, while ``standing``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[list[float]] = []

    def started(self, module: Any, args: Any) -> None:
        self._open.append([self.clock(), 0.0])

    def stopped(self, path: str) -> Callable[..., None]:
        def stop(module: Any, args: Any, output: Any) -> None:
            began, inside = self._open.pop()
            whole = self.clock() - began
            self.seconds[path] += whole - inside
            if self._open:
                self._open[-1][1] += whole

        return stop

    @contextmanager
    def standing(self, model: Any) -> Iterator[None]:
        """Hooks on every module but the root, whose own seconds would be those of the hooks."""
        hooks = []
        try:
            for path, module in model.named_modules():
                if path:
                    hooks.append(module.register_forward_pre_hook(self.started))
                    hooks.append(module.register_forward_hook(self.stopped(path)))
            yield
        finally:
            for hook in hooks:
                hook.remove()


def layer_seconds(
    model: Any, run: Callable[[], Any], clock: Clock, passes: int
) -> tuple[dict[str, tuple[float, ...]], tuple[float, ...], tuple[float, ...]]:
    """(path -> seconds in each pass, seconds of each pass with hooks, of each without), in turn.

    A hook makes no difference to what a module computes, unless the module has a fast path that it
    leaves for hooks (``nn.MultiheadAttention``): the two kinds of pass then differ by more than a
    hook costs.
    """
    found: dict[str, list[float]] = defaultdict(list)
    hooked, bare = [], []
    with uncollected():
        for place in range(passes + 1):
            watches = Stopwatches(clock)
            with watches.standing(model):
                with_hooks = timed(run, 1, clock)
            without = timed(run, 1, clock)
            if place:  # the first is a warm-up
                hooked.append(with_hooks)
                bare.append(without)
                for path, seconds in watches.seconds.items():
                    found[path].append(seconds)
    return {path: tuple(each) for path, each in found.items()}, tuple(hooked), tuple(bare)
