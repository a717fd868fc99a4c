"""The pages to look things up in, from the tables of the code itself: conventions, counters, commands, JSON.

They stand in docs/pages, written by docs/refresh.py, because they are read in the repository too.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator

from blocks import ROOT, fenced
from reported import reported_page

from flop_harness.ask.convert import case_of
from flop_harness.ask.ways import Amount, Rules
from flop_harness.counters import counters
from flop_harness.counters.names import CALLED
from flop_harness.counters.protocol import Counter
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.errors import UserError
from flop_harness.records.account import Account
from flop_harness.report.documents.json_documents import SCHEMAS
from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables.table import Table, columns
from flop_harness.report.words.text import group, plural

NET = "docs/examples/net.py"
HEAD = "<!-- Written by docs/refresh.py from the code: edit that. -->"


def page(name: str) -> str:
    """The text of such a page."""
    return "\n\n".join([HEAD, *LOOKUP[name]()]) + "\n"


def example_rules() -> Rules:
    """Every way of counting, asked of the network of the worked examples."""
    with contextlib.chdir(ROOT):  # pages name its file as one does in the repository
        return Rules(*case_of(f"{NET}:net", []))


# --------------------------------------------------------------------------------- conventions


def conventions_page(rules: Rules) -> Iterator[str]:
    yield "# Conventions"
    yield ("Every way of counting that has a name here, from the code that prices it. `flop-harness "
           "count MODEL --convention ID` counts by it, and `flop-harness convert` turns the figures "
           "of one into another's. The worked examples are all of this network:")  # fmt: skip
    yield fenced((ROOT / NET).read_text(), "python")
    for convention in CATALOGUE.values():
        yield f"## {convention.id}"
        yield f"{plain(sentence(convention.description))} Unit: {convention.unit}."
        rule = convention.by_module or convention.charges
        told = inspect.getdoc(rule)
        if told and told.rstrip(".") != convention.description.rstrip("."):
            yield f"*Formula:* {plain(told)}"
        yield f"*Source:* {plain(convention.source)}."
        yield from example(rules, convention)


def example(rules: Rules, way: object) -> Iterator[str]:
    """What a way of counting says of the example, itemised; or why it says nothing."""
    try:
        amounts = list(rules.amounts(way))  # type: ignore[arg-type]
    except UserError as error:
        yield f"*Of the example:* {plain(error)}."
        return
    said: set[tuple[str, int | float]] = set()
    for amount in amounts:
        if (amount.unit, amount.total) not in said:
            said.add((amount.unit, amount.total))
            yield itemised(amount)


def itemised(amount: Amount) -> str:
    charges: Account = amount.account
    rows = tuple((path or "(root)", term, each) for path, term, each in charges.charges())
    table = Table("", columns("module term amount:integer"), (*rows, ("", "total", amount.total)))
    context = f" ({amount.context})" if amount.context else ""
    head = f"*Of the example{context}:* {measured(amount)}"
    return f"{head}\n\n{grid(table, titled=False)}"


def measured(amount: Amount) -> str:
    if amount.unit.isupper():
        return f"{group(amount.total)} {amount.unit}"
    return plural(amount.total, amount.unit)


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# ------------------------------------------------------------------------------------ counters


def counters_page(rules: Rules) -> Iterator[str]:
    yield "# Counters"
    yield ("What each tool charges, as its rules in this package state it, and what they predict for "
           "the network of the [conventions](conventions.md).")  # fmt: skip
    for counter in counters().values():
        yield f"## {counter.id}"
        yield from rules_of(counter)
        yield from example(rules, counter)


def rules_told(counter: Counter) -> str:
    """What its file says; how it is called may be another's, whose fork it is."""
    found = (each for each in list(sys.modules.values()) if vars(each).get("COUNTER") is counter)
    told = inspect.cleandoc(next(found).__doc__ or "")
    return plain(told).replace("\\`\\`", "`").replace("\\`", "`")


def rules_of(counter: Counter) -> Iterator[str]:
    yield plain(sentence(counter.description))
    yield rules_told(counter)
    facts = [("package", counter.distribution), ("its rules follow", counter.source)]
    also = [name for name, ids in CALLED.items() if counter.id in ids]
    facts += [("also called", ", ".join(also))] if also else []
    facts += [(f"{metric}", f"called {quantity.label}, counts {quantity.unit}")
              for metric, quantity in counter.quantities.items()]  # fmt: skip
    facts += [("asked in", ", ".join(map(str, counter.contexts)))]
    facts += [("installed apart", ", ".join(counter.overlay))] if counter.overlay else []
    yield grid(Table("", columns("what value"), tuple(facts)), titled=False)


# ------------------------------------------------------------------------------------ commands


def json_page() -> Iterator[str]:
    yield "# JSON"
    yield ("With `--json` a command prints one object on stdout, every figure exact; everything else "
           "goes to stderr. The number behind the name of a schema is raised when a key changes its "
           "meaning or goes.")  # fmt: skip
    for command, keys in SCHEMAS.items():
        yield f"## {command}"
        rows = tuple((f"`{key.name}`", key.kind, key.meaning) for key in keys)
        yield grid(Table("", columns("key kind meaning"), rows), titled=False)


def commands_page() -> Iterator[str]:
    import typer

    from flop_harness.cli import app

    yield "# Commands"
    yield ("Data goes to stdout, all else to stderr; the exit code is 0 if all is well, 2 for a "
           "mistake of the user's, 3 if a counter or the harness failed. `flop-harness --version` "
           "tells the version; `flop-harness --install-completion` sets up completion for the "
           "current shell. Tables are as wide as the terminal, or as `COLUMNS` says.")  # fmt: skip
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        yield f"## {name}"
        yield plain(command.help or "")
        heads = columns("argument meaning")
        rows = tuple(described(each) for each in command.params if each.name != "help")
        yield grid(Table("", heads, rows), titled=False)


def described(parameter: object) -> tuple[str, str]:
    names = ", ".join(getattr(parameter, "opts", []))
    if getattr(parameter, "param_type_name", "") == "argument":
        names = getattr(parameter, "metavar", None) or names.upper()
    meaning, default = getattr(parameter, "help", None) or "", default_of(parameter)
    return names, f"{meaning} Default: {default}." if default else meaning


def default_of(parameter: object) -> str:
    """What ``--help`` says that it is; switches that are off say nothing."""
    shown, value = getattr(parameter, "show_default", ""), getattr(parameter, "default", None)
    if isinstance(shown, str):
        return shown
    return "" if value is None or isinstance(value, bool) or callable(value) else str(value)


LOOKUP: dict[str, Callable[[], Iterator[str]]] = {
    "conventions.md": lambda: conventions_page(example_rules()),
    "counters.md": lambda: counters_page(example_rules()),
    "commands.md": commands_page,
    "json.md": json_page,
    "reported.md": reported_page,
}
"""Name of a page -> its parts"""
