"""For other people's tests: ``flop_account``, ``flop_reading``, the marker ``flops``, snapshots.

    def test_budget(flop_account, flop_reading):
        account = flop_account(MyModel(), (1, 3, 224, 224))
        account.assert_at_most(macs=5e9, params=30e6, modules={"head": 1e6})
        account.matches_snapshot("my_model")
        assert flop_reading("fvcore", MyModel(), (1, 3, 224, 224)).macs < 5.1e9

Nothing but pytest is imported until a test counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flop_harness.ask.count import Count
    from flop_harness.regression.counter_reading import CounterReading
    from flop_harness.regression.snapshots import Snapshot

MARKER = "flops(convention='macs'): the convention that flop_account counts by in this test"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("flop-harness")
    group.addoption("--flop-update", action="store_true",
                    help="Write the snapshots of flop_account anew instead of comparing.")  # fmt: skip
    group.addoption("--flop-only", action="store_true",
                    help="Run the tests that use flop_account or flop_reading, and no others.")  # fmt: skip
    group.addoption("--flop-summary", metavar="FILE",
                    help="Add what was counted to FILE, as Markdown: $GITHUB_STEP_SUMMARY.")  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    file = config.getoption("--flop-summary")
    if file and not hasattr(config, "workerinput"):  # with xdist: in the process that reports
        config.pluginmanager.register(Summary(Path(file)), "flop-summary")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--flop-only"):
        ours = [each for each in items if FIXTURES & {*getattr(each, "fixturenames", ())}]
        others = [each for each in items if each not in ours]
        config.hook.pytest_deselected(items=others)
        items[:] = ours


class Summary:
    """Gathers what tests counted, and writes it when all have ended."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.outcomes: list[Any] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not report.failed:
            return
        from flop_harness.regression.step_summary import PROPERTY, Outcome

        counted: list[Any] = [value for name, value in report.user_properties if name == PROPERTY]
        told = str(report.longrepr) if report.failed else ""
        self.outcomes.append(Outcome(report.nodeid, report.outcome, counted, told))

    def pytest_sessionfinish(self) -> None:
        from flop_harness.regression.step_summary import markdown

        with self.file.open("a", encoding="utf-8", errors="replace") as page:
            page.write(markdown(self.outcomes))


FIXTURES = {"flop_account", "flop_reading"}


class Account:
    """What a model costs, held against snapshots that lie beside the test."""

    def __init__(self, counted: Count, test: Path, update: bool) -> None:
        self.count = counted
        self._test = test
        self._update = update

    def __getattr__(self, name: str) -> Any:
        """``macs``, ``params``, ``total``, ``unsupported``, ``frame``... as of ``flop_harness.count``."""
        if name == "count" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.count, name)

    def by_module(self, depth: int | None = None) -> dict[str, int | float]:
        return self.count.account.by_module(depth)

    def by_term(self) -> dict[str, int | float]:
        return self.count.account.by_term()

    def __repr__(self) -> str:
        return f"<{self.count.to_table().title}{self.left_out}>"

    @property
    def properties(self) -> dict[str, Any]:
        """What a summary and a JUnit file tell of it, in plain values."""
        found = self.count
        return {"model": found.model, "input": found.inputs, "convention": found.convention.id,
                "total": found.total, "unit": found.convention.unit, "macs": found.macs,
                "params": found.params, "unsupported": self.left_out.removeprefix("; ")}  # fmt: skip

    @property
    def left_out(self) -> str:
        """``; not counted, no formula: mine.op × 2``, and on which values it hangs; or nothing."""
        from flop_harness.report.words.text import hanging, left_out

        unknown, looks = self.count.unsupported, hanging(self.count.trace.looks)
        lacking = f"; not counted, no formula: {left_out(unknown)}" if unknown else ""
        return lacking + (f"; {looks}" if looks else "")

    def assert_at_most(
        self,
        *,
        macs: float | None = None,
        params: float | None = None,
        total: float | None = None,
        modules: Mapping[str, float] | None = None,
        terms: Mapping[str, float] | None = None,
        ignore: tuple[str, ...] = (),
    ) -> bool:
        """True, or the test fails and tells by which modules a budget is passed.

        ``total``, ``modules`` (each with what is below it) and ``terms`` are in the unit of the
        convention. Operators without a formula fail a budget of work too, unless ``ignore`` names
        them.
        """
        __tracebackhide__ = True
        from flop_harness.errors import UserError
        from flop_harness.regression.budgets import Budget, broken

        budget = Budget(macs, params, total, modules or {}, terms or {}, ignore)
        try:
            told = broken(self.count, budget)
        except UserError as error:
            told = str(error)
        if told:
            pytest.fail(told, pytrace=False)
        return True

    def matches_snapshot(self, name: str) -> bool:
        """True, or the test fails with a table of the modules and terms that changed."""
        __tracebackhide__ = True
        from flop_harness.errors import UserError
        from flop_harness.regression import snapshots

        try:
            told = self._held_against(snapshots.path_of(self._test, name), name)
        except UserError as error:
            told = str(error)
        if told:
            pytest.fail(told, pytrace=False)
        return True

    def _held_against(self, path: Path, name: str) -> str:
        """What is wrong; empty if nothing is, or if the snapshot is written anew."""
        from flop_harness.regression import snapshots
        from flop_harness.store import write_atomically

        if self._update:
            write_atomically(path, snapshots.dumps(self.snapshot).encode("utf-8", "replace"))
            return ""
        before = snapshots.load(path)
        if before is None:
            return f"there is no snapshot {path}: pytest --flop-update writes it"
        reason = snapshots.why_not(before, self.snapshot)
        if reason:
            return (
                f"snapshot {name!r} cannot be compared: {reason}; pytest --flop-update rewrites it"
            )
        return snapshots.difference(name, before, self.snapshot)

    @cached_property
    def snapshot(self) -> Snapshot:
        from flop_harness.conventions.catalogue import VERSION
        from flop_harness.conventions.reference import parameters
        from flop_harness.regression.snapshots import Snapshot

        counted = self.count
        return Snapshot(
            counted.model,
            counted.convention.id,
            counted.convention.unit,
            counted.total,
            counted.params,
            by_module(counted.account, counted.trace),
            by_module(parameters(counted.trace), counted.trace),
            counted.unsupported,
            VERSION,
        )


def by_module(account: Any, trace: Any) -> dict[str, dict[str, int | float]]:
    """An account as module -> term -> amount, in the order of the model."""
    found: dict[str, dict[str, int | float]] = {module.path: {} for module in trace.modules}
    for module, term, amount in account.charges():
        found.setdefault(module, {})[term] = amount
    return {module: terms for module, terms in found.items() if terms}


@pytest.fixture
def flop_account(request: pytest.FixtureRequest) -> Callable[..., Account]:
    """``flop_account(module, *inputs, convention=..., **kwargs)`` -> what the module costs.

    Models, inputs and keywords are as of ``flop_harness.count``. No kernel runs and the module stays as it is,
    unless it looks at values. Operators without a formula are a warning of the test.
    """
    usual = convention_of(request.node.get_closest_marker("flops"))
    update = bool(request.config.getoption("--flop-update"))

    def counted(module: Any, *inputs: Any, convention: str | None = None, **kwargs: Any) -> Account:
        __tracebackhide__ = True
        import flop_harness
        from flop_harness.errors import UserError

        try:
            found = flop_harness.count(module, *inputs, convention=convention or usual, **kwargs)
        except UserError as error:
            pytest.fail(str(error), pytrace=False)
        account = Account(found, request.path, update)
        request.node.user_properties.append(("flop_account", account.properties))
        if account.left_out:
            request.node.warn(pytest.PytestWarning(f"{found.model}{account.left_out}"))
        return account

    return counted


@pytest.fixture
def flop_reading() -> Callable[..., CounterReading]:
    """``flop_reading("fvcore", module, *inputs, context="", **kwargs)`` -> what a counter says.

    ``context`` chooses among several: ``"grad"``, ``"meta"``. Other keywords are as of
    ``flop_harness.compare``: an input named ``context`` stands in ``kwargs={...}``. The test fails where the counter gives
    no figure, with its own message.
    """

    def read(
        counter: str, module: Any, *inputs: Any, context: str | None = None,
        kwargs: Mapping[str, Any] | None = None, **named: Any,
    ) -> CounterReading:  # fmt: skip
        __tracebackhide__ = True
        from flop_harness.ask.inputs_by_name import inputs_by_name
        from flop_harness.errors import UserError
        from flop_harness.regression.counter_reading import reading

        try:
            given = inputs_by_name(module, inputs, kwargs, {}, context=context)
            return reading(counter, module, inputs, {**named, "kwargs": given}, context or "")
        except UserError as error:
            pytest.fail(str(error), pytrace=False)

    return read


def convention_of(marker: pytest.Mark | None) -> str | None:
    """What ``@pytest.mark.flops("flops")`` or ``(convention="flops")`` names; None without it."""
    if marker is None:
        return None
    named = [*marker.args, *marker.kwargs.values()]
    if len(named) != 1 or not set(marker.kwargs) <= {"convention"}:
        pytest.fail(f"the marker is {MARKER}", pytrace=False)
    return str(named[0])
