"""A library of models, as a file of this folder describes it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flop_harness.errors import UserError, install_command
from flop_harness.suite.importing import import_module
from flop_harness.suite.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Provider:
    """What ``name:MODEL`` stands for.

    ``names`` lists its models, and may import the library; ``recipe`` tells how one is built, from
    files that are found from such folders if it needs any; it raises UserError for one that it has
    not. ``package`` is what has to be installed; ``refused``
    are keywords that would download weights.
    """

    name: str
    package: str
    names: Callable[[], Sequence[str]]
    recipe: Callable[[str, Sequence[str]], Recipe]
    refused: tuple[str, ...] = ()

    def installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None

    def build(self, model: str, kwargs: Mapping[str, Any], roots: Sequence[str] = (".",)) -> Recipe:
        """The recipe of ``model`` for such kwargs. Raises UserError."""
        for key in self.refused:
            if kwargs.get(key):
                raise UserError(f"kwargs.{key}: weights are never downloaded; leave it out")
        return self.recipe(model, roots)


def library(name: str) -> Any:
    """A library's module; UserError with the command that installs it where it is missing."""
    top = name.partition(".")[0]
    try:
        return import_module(name)
    except UserError as error:
        if str(error).startswith(f"no module named {top!r}"):
            raise UserError(f"{top} is not installed ({install_command(top)})") from error
        raise
