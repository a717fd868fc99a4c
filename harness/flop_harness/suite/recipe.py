"""How a model is built, once its reference is resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flop_harness.records import Input


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is built: ``factory(**kwargs)``, with a case's kwargs over these.

    ``usual_inputs`` tells, of the model, the inputs of a case that names none; ``folders`` is what
    imports look into while the model is built and run; ``images`` says that it takes one list of
    images; ``fits`` raises UserError for inputs (module, args, kwargs) that the model is not made for.
    """

    factory: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    usual_inputs: Callable[[Any], Sequence[Input]] | None = None
    folders: tuple[str, ...] = ()
    images: bool = False
    fits: Callable[[Any, tuple, Mapping[str, Any]], None] | None = None
