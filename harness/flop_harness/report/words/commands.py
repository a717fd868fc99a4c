"""Commands as they are typed: those that do a run again, and what names a model and its inputs."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from flop_harness.records import Case, Input, Suite
from flop_harness.records.suite import size_in
from flop_harness.report.words.text import printable
from flop_harness.suite import keywords
from flop_harness.suite.files import names
from flop_harness.suite.references import is_library

COMPARE, TIME, VERIFY = "compare", "time", "verify"


def again(suite: Suite, verb: str = COMPARE, training: bool = False) -> str:
    """What compares, times or proves a suite: one of ours, one of the user's, or models.

    Of several models one is proven at a time.
    """
    if not suite.digest:
        if verb == VERIFY:
            return proving(suite.cases)
        step = " --training" if training and verb == COMPARE else ""
        return printable(f"flop-harness {verb} {models(suite.cases)}") + step
    name, options = chosen(suite)
    if name in names():
        asked = f" ARGS={quote(options)}" if options else ""
        return printable(f"make {verb} SUITE={quote(name)}{asked}")
    return printable(f"flop-harness {verb} {quote(f'{name}.toml')} {options}").rstrip()


def proving(cases: Sequence[Case]) -> str:
    """What proves the formulas behind the first model."""
    words = [part for case in cases[:1] for part in (quote(case.model), *of_case(case))]
    return printable(" ".join(["flop-harness", VERIFY, *words]))


def again_of_case(suite: Suite, case: str, training: bool) -> str:
    """What compares one case again."""
    step = " --training" if training else ""
    if not suite.digest:
        (found,) = (each for each in suite.cases if each.id == case)
        return (
            printable(" ".join(["flop-harness compare", quote(found.model), *of_case(found)]))
            + step
        )
    name, _ = chosen(suite)
    file = name if name in names() else f"{name}.toml"
    return printable(f"flop-harness compare {quote(file)} --cases {quote(case)}") + step


def chosen(suite: Suite) -> tuple[str, str]:
    """The name of the suite's file, and the options by which its cases were chosen or changed."""
    options = []
    _, _, rest = suite.digest.partition(":")
    name = suite.name
    if rest.partition(":")[0] == "training":
        options.append("--training")
        name, rest = name.removesuffix("-training"), rest.partition(":")[2]
    if rest:
        options.append(f"--cases {quote(rest)}")
    return name, " ".join(options)


def models(cases: Sequence[Case]) -> str:
    """Models as a command line names them, with their inputs, sizes, mode and dtype."""
    references = [quote(each) for each in dict.fromkeys(case.model for case in cases)]
    given = [part for case in cases[:1] for part in of_case(case)]
    return " ".join([*references, *given, *sweep(cases)])


def of_case(case: Case) -> list[str]:
    """The options of one model: its inputs, what it is made with, its mode and dtype if unusual."""
    dtype, mode = ("float32", "eval") if is_library(case.model) else ("", "")
    return [
        *(f"--input {quote(written(each))}" for each in case.inputs),
        *(f"--kwargs {quote(each)}" for each in keywords.written(case.kwargs)),
        *([f"--{case.mode}"] if case.mode != mode else []),
        *([f"--dtype {quote(case.dtype)}"] if case.dtype != dtype else []),
    ]


def sweep(cases: Sequence[Case]) -> list[str]:
    """``--sweep batch=1,8`` where the cases are sizes of models."""
    places = [place for place in (size_in(case.id) for case in cases) if place is not None]
    if not places or len(places) < len(cases):
        return []
    sizes = ",".join(dict.fromkeys(str(size) for _, _, size in places))
    return [f"--sweep {places[0][1]}={sizes}"]


def written(given: Input) -> str:
    """An input as it is typed: ``ids=1x128:int64``."""
    name = f"{given.name}=" if given.name else ""
    shape = "x".join(map(str, given.shape))
    return f"{name}{shape}" + (f":{given.dtype}" if given.dtype else "")
