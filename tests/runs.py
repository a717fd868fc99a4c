"""Small runs made by hand, for tests of everything that is derived from a run."""

from __future__ import annotations

from typing import Any

from flop_harness.conventions.catalogue import VERSION
from flop_harness.records import (  # fmt: skip
    Bridge,
    Case,
    Context,
    Failure,
    Figure,
    Metric,
    Reading,
    Run,
    Status,
    Step,
    Suite,
    Unit,
)

NO_GRAD, GRAD = Context(), Context(grad=True)
Terms = dict[str, int | float]


def a_suite(*cases: str, name: str = "small") -> Suite:
    return Suite(name, 1, "A suite made by hand", tuple(Case(case, f"m:{case}") for case in cases))


def a_reading(case: str, counter: str, value: int | float | None, unit: Unit = "MAC",
              metric: Metric = "compute", context: Context = NO_GRAD, status: Status = "ok",
              **more: Any) -> Reading:  # fmt: skip
    return Reading(case, counter, "1.0", context, metric, unit, status, value, **more)


def a_bridge(reading: Reading, reference: int, terms: Terms, residual: int = 0) -> Bridge:
    """A bridge to ``reading``, in its unit; each term comes from two modules."""
    steps = tuple(Step(term, amount, {"features.0": amount - 1, "features.1": 1})
                  for term, amount in terms.items())  # fmt: skip
    return Bridge(reading.case, reading.counter, reading.context, reading.metric, reading.unit,
                  reference, steps, residual, reading.value or 0)  # fmt: skip


def explained(case: str, counter: str, reference: int, terms: Terms | None = None,
              residual: int = 0, **more: Any) -> tuple[Reading, Bridge]:  # fmt: skip
    """A reading that is what its bridge adds up to; the reference is in MAC, as ever."""
    doubling = {"2 FLOPs per MAC": reference} if more.get("unit") == "FLOP" else {}
    terms = doubling | (terms or {})
    value = reference + sum(terms.values()) + residual
    reading = a_reading(case, counter, value, **more)
    return reading, a_bridge(reading, reference, terms, residual)


def a_run(pairs: list[tuple[Reading, Bridge]], others: tuple[Reading, ...] = (),
          suite: Suite | None = None, **more: Any) -> Run:  # fmt: skip
    readings = (*(reading for reading, _ in pairs), *others)
    cases = dict.fromkeys(reading.case for reading in readings)
    more = {"conventions": VERSION, "environment": {"torch": "2.14.1"}, **more}
    bridges = tuple(bridge for _, bridge in pairs)
    return Run(1, suite or a_suite(*cases), readings=readings, bridges=bridges, **more)


def small_run() -> Run:
    """Two cases, four counters, one of them in two contexts; and failures."""
    pairs = [
        explained("vgg16", "analytic", 15_470_264_320),
        explained("vgg16", "thop", 15_470_264_320, {"adaptive pool": 50_176}),
        explained("vgg16", "ptflops-pytorch", 15_470_264_320, {
            "conv bias": 13_555_712, "ReLU counted twice": 27_111_424, "max pool": 12_294_122}),
        explained("vgg16", "torch", 15_470_264_320, unit="FLOP"),
        explained("vgg16", "torch", 15_470_264_320, unit="FLOP", context=GRAD),
        explained("vit", "analytic", 17_563_828_224),
        explained("vit", "thop", 17_563_828_224, {"attention products not seen": -6_277_573_632}),
        explained("vit", "torch", 17_563_828_224, {"no formula for attention": -1_430_654_976},
                  unit="FLOP", context=GRAD),
        explained("vgg16", "thop", 138_357_544, metric="params", unit="parameter"),
        explained("vit", "thop", 86_567_656, {"MultiheadAttention left out": -28_499_480},
                  metric="params", unit="parameter"),
    ]  # fmt: skip
    others = (
        a_reading("vit", "ptflops-pytorch", None, status="failed", message="ValueError: no shape"),
        a_reading("vit", "torch", None, unit="FLOP", status="timeout", message="over 300 s"),
    )
    return a_run(
        pairs, others,
        figures=(Figure("vgg16", "MAC", 15_470_264_320, "MAC"),
                 Figure("vgg16", "FLOP", 30_940_528_640, "FLOP")),
        unsupported={"vit": {"aten.mystery": 3}},
    )  # fmt: skip


def loud_run() -> Run:
    """One reading with a residual of 7."""
    return a_run([explained("odd", "thop", 1_000, {"conv bias": 10}, residual=7)])


def float_run() -> Run:
    """Whole numbers that are floats, floats that are not, a sign, and a reference of zero."""
    return a_run([
        explained("whole", "thop", 4e9),
        explained("part", "thop", 7, {"half": 3.125}),
        explained("part", "torch", 7, {"quarter": -0.25}, unit="FLOP"),
        explained("tiny", "thop", 0, {"least": 2.5e-7}),
        explained("below", "thop", 1, {"taken away": -20}),
    ])  # fmt: skip


def wide_run() -> Run:
    """Sixteen counters with long names and figures."""
    return a_run([explained(f"model_{case}", f"counter-number-{n}", 10**11 + case, {"ReLU": n})
                  for case in range(3) for n in range(16)])  # fmt: skip


def failed_run() -> Run:
    """Nothing but failures."""
    return a_run(
        [],
        (a_reading("net", "thop", None, status="failed", message="boom"),
         a_reading("net", "fvcore", None, status="out_of_memory"),
         a_reading("net", "torchinfo", None, status="unavailable", message="not installed")),
        failures=(Failure("net", "trace", "cannot be traced"),),
    )  # fmt: skip


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "line\nbreak | pipe",
    "{{ 7*7 }} {% raw %}",
    r"\input{/etc/passwd} $x_1$ & 100 % #",
    "[bold red]rich[/] \x1b[31mred",
    "'];alert(1);['",
    "'+alert(1)+' ]]> &amp; -- \udc80",
    "../../etc/passwd",
    "<b>" + "x" * 297,
    "שלום \u202egnp.exe 漢字 🧮 é",
)


def hostile_run() -> Run:
    """Names, terms and messages that try to be something other than text."""
    pairs = [explained(name, name, 100, {name: 5}, label=name, figure=name) for name in HOSTILE]
    others = tuple(a_reading(name, "thop", None, status="failed", message=name)
                   for name in HOSTILE)  # fmt: skip
    return a_run(
        pairs, others, suite=a_suite(*HOSTILE, name=HOSTILE[0]),
        environment=dict.fromkeys(HOSTILE, HOSTILE[1]),
        unsupported={HOSTILE[0]: dict.fromkeys(HOSTILE, 1)},
    )  # fmt: skip
