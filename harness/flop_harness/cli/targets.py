"""What the words of a command name: models, suites, counters."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flop_harness.cli.app import say
from flop_harness.errors import UserError


def is_model(target: str) -> bool:
    """``provider:name`` is a model; a name or a file is a suite."""
    return ":" in target and not target.endswith(".toml")


def model_case(
    reference: str,
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    kwargs: list[str] | None = None,
) -> Any:
    """The case of a model on the command line. Raises UserError."""
    from flop_harness.suite.files import case_from_model
    from flop_harness.suite.keywords import keywords

    mode = None if train is None else "train" if train else "eval"
    options = {"mode": mode, "dtype": dtype, "kwargs": keywords(kwargs or ())}
    return case_from_model(reference, inputs or [],
                           **{key: each for key, each in options.items() if each})  # fmt: skip


def model_suite(
    references: list[str],
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    sweep: str | None,
    kwargs: list[str] | None = None,
) -> Any:
    """Models of the command line as one suite, each at every size of a sweep. Raises UserError."""
    from flop_harness.run.planning import of_models

    made = [model_case(each, inputs, train, dtype, kwargs) for each in dict.fromkeys(references)]
    if sweep is not None:
        from flop_harness.run.isolation import run_aloud
        from flop_harness.suite.sweeps import swept

        made = [each for case in made
                for each in run_aloud(partial(swept, case, sweep), case.model)]  # fmt: skip
    return of_models(made)


def refuse_for_suites(
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    sweep: str | None = None,
    kwargs: list[str] | None = None,
) -> None:
    """What the cases of a suite say themselves is not said again."""
    if inputs:
        raise UserError("--input gives the inputs of a model; a suite has its own")
    if kwargs:
        raise UserError("--kwargs says how a model is made; the cases of a suite say it")
    if train is not None or dtype is not None:
        raise UserError("--train, --eval and --dtype are for a model; the cases of a suite say it")
    if sweep is not None:
        raise UserError("--sweep changes the inputs of a model; a suite has its own")


def refuse_half_a_reference(target: str) -> None:
    """A file of models without the model, or a model's name without its provider."""
    if target.endswith(".py"):
        raise UserError(f"{target} is a file of models: name one, as in {target}:NAME")
    from flop_harness.suite.files import names

    if is_model(target) or target in names() or Path(target).exists() or "." in target:
        return
    from flop_harness.suite.references import providers_of

    homes = providers_of(target)
    if homes:
        raise UserError(f"no suite {target!r}; a model of that name is {' or '.join(homes)}")


def separated(names: str | None) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if names else []


def counters_asked(names: str | None) -> list[str]:
    """Ids of the counters that an option names, as people write them, or ``all``.

    UserError for an unknown one.
    """
    from flop_harness.counters import find

    written = separated(names)
    if not written or written == ["all"]:  # whoever asks all takes those that fit
        return written
    return [counter.id for counter in find(written)]


def counter_asked(name: str) -> str:
    """The id of the one counter that a name stands for; of several the usual one, which is said.

    An unknown name stays as it is: whoever looks for it says what there is.
    """
    from flop_harness.counters import counters
    from flop_harness.counters.names import ids_called

    base, at, release = name.partition("@")
    first, *others = ids_called(base, counters()) or (base,)
    if others:
        say(f"{name} is read as {first}; there is also {', '.join(others)}")
    return f"{first}{at}{release}"


def safe_name(name: str) -> str:
    from flop_harness.run.environment import slug

    return slug(name)[:80] or "suite"
