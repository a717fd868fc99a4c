"""Suites: TOML files that name cases, read into records."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from flop_harness.errors import UserError, suggest
from flop_harness.records import DTYPE_BYTES, Case, Input, Policy, Suite
from flop_harness.suite import libraries
from flop_harness.suite.references import is_library
from flop_harness.suite.toml import Vocabulary, convert, found, read, said

# ------------------------------------------------------------------------- what a file may say

CASE_DTYPES = ("float32", "float64", "float16", "bfloat16", "complex64", "complex128")
INPUT_DTYPES = tuple(name for name in DTYPE_BYTES if not name.startswith(("q", "complex32")))
MODES = ("eval", "train")

Text = Annotated[str, Meta(min_length=1, max_length=100_000)]
Count = Annotated[int, Meta(ge=1)]
Shape = list[Annotated[int, Meta(ge=0, le=2**63 - 1)]]


class Table(msgspec.Struct, forbid_unknown_fields=True):
    """A table of a suite file; an unknown key is an error."""


class InputTable(Table):
    """One tensor that is more than a float tensor of some shape."""

    shape: Annotated[Shape, said("sizes, such as [1, 128]; [] is a single number")]
    dtype: Annotated[
        Literal[INPUT_DTYPES] | None,  # type: ignore[valid-type]
        said("what it holds; without it, the case's dtype"),
    ] = None
    high: Annotated[Count, said("integers are drawn from 0 to high - 1")] = 2


class Defaults(Table, kw_only=True):
    """Keys that the file may set for all cases and a case for itself."""

    dtype: Annotated[
        Literal[CASE_DTYPES] | None,  # type: ignore[valid-type]
        said("dtype of the model and of inputs that name none; without it, as the factory has it"),
    ] = None
    mode: Annotated[
        Literal["eval", "train"] | None,
        said("model.eval() or model.train(); without it, as the factory hands the model over"),
    ] = None
    counters: Annotated[
        list[Text], said("ids of the counters to ask; empty: every counter of the environment")
    ] = []


class CaseTable(Defaults, kw_only=True):
    """A model with its inputs: a ``[[case]]``."""

    id: Annotated[Text, said("its name in tables and on the command line; given once")]
    model: Annotated[
        Text,
        said("provider:name, package.module:factory or file.py:factory; files are found "
              "beside the suite"),
    ]  # fmt: skip
    inputs: Annotated[
        list[Shape | InputTable] | dict[Text, Shape | InputTable],
        said("positional inputs in a list, named ones in a table; a shape stands for a float "
              "tensor; none where the factory brings its own"),
    ] = []  # fmt: skip
    kwargs: Annotated[dict[str, Any], said("keyword arguments of the factory")] = {}
    description: Annotated[str, said("a sentence for readers")] = ""


class TimingTable(Table):
    """How long each case is timed: ``[timing]``."""

    warmup: Annotated[int, Meta(ge=0), said("passes before the first that is kept")] = 3
    samples: Annotated[Count, said("passes that are kept, at least")] = 10
    seconds: Annotated[float, Meta(ge=0), said("seconds that they last in all, at least")] = 1.0
    precision: Annotated[
        float, Meta(gt=0, lt=1), said("enough when half the 95 % interval is this share or less")
    ] = 0.02
    budget_s: Annotated[
        float, Meta(ge=0), said("seconds for each case, series and session, at most")
    ] = 4.0
    sessions: Annotated[Count, said("times over, each in fresh processes; at least")] = 2
    total_s: Annotated[
        float, Meta(ge=0), said("seconds in which sessions are added until two of them agree")
    ] = 300.0


class SuiteTable(Defaults, kw_only=True):
    """The top of the file."""

    name: Annotated[Text, said("the suite's name; results go to results/NAME")]
    version: Annotated[Count, said("raised whenever a case changes")]
    description: Annotated[str, said("a sentence for readers")] = ""
    timeout_s: Annotated[
        float, Meta(gt=0, le=1e6), said("seconds that a counter may take for one case")
    ] = 300.0
    memory_gib: Annotated[
        float, Meta(gt=0, le=1e6), said("memory that a counter's process may take, in GiB")
    ] = 8.0
    contexts: Annotated[
        Literal["documented", "all"],
        said("documented: as each tool's documentation calls it; all: also under no_grad, on "
              "the meta device and with plain attention kernels"),
    ] = "documented"  # fmt: skip
    timing: Annotated[TimingTable, said("how long cases are timed: keys below")] = msgspec.field(
        default_factory=TimingTable
    )
    case: Annotated[
        list[dict[str, Any]], Meta(min_length=1), said("the cases: keys below, one table each")
    ]


TABLES = (SuiteTable, CaseTable, InputTable, TimingTable)


# ------------------------------------------------------------------------------------ reading


def load(reference: str | Path) -> Suite:
    """The suite of a ``.toml`` file, of a name out of :func:`names`, or ``timm-all``.

    ``folder`` of the result is where the file lies; model files of its cases are found from there.
    Raises UserError, naming file, case and key, for whatever the file has wrong.
    """
    if libraries.is_whole(str(reference)):
        return libraries.whole(str(reference), home())
    path = _find(str(reference))
    content, document = read(path)
    table = convert(document, SuiteTable, str(path), WORDS)
    return Suite(
        name=table.name,
        version=table.version,
        description=table.description,
        cases=_cases(table, str(path)),
        timing=Policy(**msgspec.structs.asdict(table.timing)),
        timeout_s=table.timeout_s,
        memory_gib=table.memory_gib,
        contexts=table.contexts,
        digest=hashlib.sha256(content).hexdigest()[:16],
        folder=str(path.parent),
    )


def names() -> list[str]:
    """The suites that come with the harness."""
    return sorted(path.stem for path in home().glob("*.toml"))


def having(case: str) -> Iterator[Suite]:
    """The suites that come with the harness and have a case of this id; ``seeds`` comes first."""
    for name in sorted(names(), key=lambda name: name != "seeds"):
        suite = load(name)
        if any(each.id == case for each in suite.cases):
            yield suite


def case_from_model(reference: str, shapes: list[str], **options: Any) -> Case:
    """A case of one model, as the command line names it.

    ``shapes`` are inputs as ``written`` reads them; ``options`` are further keys of a case
    (``dtype``, ``mode``, ``kwargs``...). Raises UserError.
    """
    inputs = [written(text) for text in shapes]
    case = _case({"id": reference, "model": reference, **options}, reference)
    return replace(case, inputs=tuple(inputs)) if inputs else case


def home() -> Path:
    """Where the suites lie: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_suites"
    return installed if installed.is_dir() else package.parents[1] / "suites"


def _find(reference: str) -> Path:
    return found(reference, "suite", home(), names())


INPUT = re.compile(
    r"(?:(?P<name>[A-Za-z_]\w*)[=:])?(?P<shape>\d{1,18}(?:x\d{1,18})*)(?::(?P<dtype>\w+))?",
    re.ASCII | re.IGNORECASE,
)


def written(text: str) -> Input:
    """An input as the command line has it: ``1x3x224x224``, ``ids:1x128:int64``, ``x=2x3``.

    A name makes it a keyword. Raises UserError.
    """
    match = INPUT.fullmatch(text)
    if not match:
        raise UserError(f"input {text!r} is not a shape such as 1x3x224x224, or name=1x128:int64")
    dtype = match["dtype"]
    if dtype and dtype not in INPUT_DTYPES:
        raise UserError(f"input {text!r}: unknown dtype {dtype!r}{suggest(dtype, INPUT_DTYPES)}; "
                        f"known: {', '.join(INPUT_DTYPES)}")  # fmt: skip
    shape = tuple(int(size) for size in match["shape"].lower().split("x"))
    return Input(shape, dtype or None, name=match["name"] or "")


# --------------------------------------------------------------------------- tables to records


def _cases(suite: SuiteTable, file: str) -> tuple[Case, ...]:
    defaults = {key: getattr(suite, key) for key in Defaults.__struct_fields__}
    cases = tuple(
        _case(defaults | table, f"{file}: case {table.get('id', number)!r}")
        for number, table in enumerate(suite.case, start=1)
    )
    repeated = [name for name, times in Counter(case.id for case in cases).items() if times > 1]
    if repeated:
        raise UserError(f"{file}: case {repeated[0]!r}: this id is given more than once")
    return cases


def _case(raw: dict[str, Any], where: str) -> Case:
    table = convert(raw, CaseTable, where, WORDS)
    given = table.inputs
    named = given.items() if isinstance(given, dict) else [("", value) for value in given]
    library = is_library(table.model)
    return Case(
        id=table.id,
        model=table.model,
        inputs=tuple(_input(name, value) for name, value in named),
        kwargs=table.kwargs,
        dtype=table.dtype or ("float32" if library else ""),
        mode=table.mode or ("eval" if library else ""),
        counters=tuple(table.counters),
        description=table.description,
    )


def _input(name: str, value: Shape | InputTable) -> Input:
    if isinstance(value, InputTable):
        return Input(tuple(value.shape), value.dtype, value.high, name)
    return Input(tuple(value), name=name)


# --------------------------------------------------------------------------------- what is wrong


def _values(key: str) -> tuple[str, ...]:
    """What the value of such a key may be."""
    return MODES if key == "mode" else CASE_DTYPES if key == "dtype" else INPUT_DTYPES


WORDS = Vocabulary(
    frozenset(key for table in TABLES for key in table.__struct_fields__),
    {
        "inputs": "inputs are shapes: [[1, 3, 224, 224]], or {name = [1, 3, 224, 224]}",
        "case": "a case begins with [[case]]",
    },
    _values,
)
