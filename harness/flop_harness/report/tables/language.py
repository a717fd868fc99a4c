"""Formulas for language models, rates, memory and phases as neutral tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from fractions import Fraction
from typing import Any

from flop_harness.records.transformer import FormulaBridge, Transformer
from flop_harness.records.utilisation import Held, Peak, Phase, Utilisation
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import compact, digits, group

Version = tuple[str, str, str, FormulaBridge]
"""(project, date, commit, bridge)"""


def number(value: Fraction | None) -> int | float | None:
    """A whole amount as an integer, another as the nearest float."""
    if value is None:
        return None
    return int(value) if value.denominator == 1 else float(value)


def exact(value: Fraction | None) -> str:
    """Grouped digits; what is no whole number rounded to one."""
    return "" if value is None else group(round(value))


# ------------------------------------------------------------------------------------ formulas


def formulas(
    found: Iterable[FormulaBridge], shape: Transformer, length: int, batch: int, tokens: int | None
) -> Table:
    """Each formula beside the reference: its figures, and the switches in which it differs."""
    heads = [Column("formula"), Column("about"), Column("FLOP per token", "number"),
             Column("per sequence", "number")]  # fmt: skip
    heads += [Column(f"per step of {batch:,}", "number")] if batch > 1 else []
    heads += [Column("per training run", "number")] if tokens else []
    heads += [Column("× reference", "number"), Column("differs in", beneath=True)]
    found = tuple(found)
    rows = tuple(tuple(_formula(each, length, batch, tokens)) for each in found)
    note = ("+ and - say what a switch adds or leaves out, per token. Training and hardware are forward "
            "and backward, prefill and decode forward alone.")  # fmt: skip
    title = f"{shape.id}, {length:,} tokens{brackets(found)}"
    return Table(title, tuple(heads), rows, note)


def brackets(found: Iterable[FormulaBridge | Utilisation]) -> str:
    """What a title says where figures stand in brackets."""
    outside = any(each.outside for each in found)
    return "; in brackets: by a formula that does not cover the model" if outside else ""


def bracketed(told: str, each: FormulaBridge | Utilisation) -> str:
    return f"({told})" if told and each.outside else told


def _formula(
    each: FormulaBridge, length: int, batch: int, tokens: int | None
) -> Iterator[str | float | None]:
    per_token = each.reading
    yield each.formula
    yield each.scope
    for times in (1, length, *([length * batch] if batch > 1 else [])):
        yield bracketed(exact(per_token * times if per_token is not None else None), each)
    if tokens:
        trains = per_token is not None and each.scope in ("training", "hardware")
        yield f"{float(per_token * tokens):.4g}" if trains and per_token is not None else ""
    yield f"{each.ratio:.4f}" if each.ratio is not None else ""
    yield said(each)


def said(each: FormulaBridge) -> str:
    """The terms in words; why the formula does not cover the model comes first."""
    told = [f"not covered: {each.outside}"] if each.outside else []
    told += [f"{term} {signed(amount)}" for term, amount in each.terms.items()]
    if each.residual:
        told.append(f"UNEXPLAINED {signed(each.residual)}")
    return "; ".join(told)


def signed(amount: Fraction) -> str:
    return f"{'+' if amount > 0 else ''}{compact(float(amount))}"


def bridge(each: FormulaBridge, shape: Transformer) -> Table:
    """One formula, term by term, to the last integer."""
    heads = (Column("term"), Column("FLOP per token", "number"))
    terms = ((term, f"{'+' if amount > 0 else ''}{exact(amount)}")
             for term, amount in each.terms.items())  # fmt: skip
    rows = (("the reference", exact(each.reference)), *terms,
            ("residual", exact(each.residual)), (each.formula, exact(each.reading)))  # fmt: skip
    return Table(f"{shape.id}: from the reference to {each.formula}", heads, rows, each.outside)


def drift(versions: Iterable[Version], shape: Transformer) -> Table:
    """What the dated versions of one project's formula say, and which switches changed between."""
    heads = (Column("project"), Column("date"), Column("commit"), Column("formula"),
             Column("FLOP per token", "number"), Column("since the one before", "share"),
             Column("what changed"))  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    last: dict[tuple[str, str], FormulaBridge] = {}
    for project, date, commit, each in versions:
        before = last.get((project, each.scope))
        change = None
        if before and before.reading and each.reading:
            change = float(each.reading / before.reading - 1)
        told = moved(before, each) if before else ""
        rows.append((project, date, commit, each.formula, exact(each.reading), change,
                     told or each.outside))  # fmt: skip
        last[project, each.scope] = each
    return Table(f"Formulas by commit, for {shape.id}", heads, tuple(rows))


def moved(before: FormulaBridge, now: FormulaBridge) -> str:
    """The terms that came, went or changed."""
    gaps = {term: now.terms.get(term, Fraction(0)) - before.terms.get(term, Fraction(0))
            for term in (*before.terms, *now.terms)}  # fmt: skip
    return "; ".join(f"{term} {signed(gap)}" for term, gap in gaps.items() if gap)


# ------------------------------------------------------------------------------- rates and memory


def utilisations(found: Iterable[Utilisation], shape: Transformer, peak: Peak) -> Table:
    found = tuple(found)
    outside = any(each.outside for each in found)
    heads = (Column("formula"), Column("figure"), Column("share of peak", "number"),
             Column("TFLOP/s per device", "number"), Column("FLOP per token", "number"),
             *((Column("not covered"),) if outside else ()))  # fmt: skip
    rows = tuple(
        (each.formula, figure(each), bracketed(share_of_peak(each), each),
         bracketed(digits(float(each.flops / 10**12), 4), each),
         bracketed(exact(each.per_token), each), *((each.outside,) if outside else ()))
        for each in found
    )  # fmt: skip
    marked = "sparse" if peak.sparse else "dense"
    title = f"{shape.id} on {peak.device}, {marked} peak {digits(float(peak.flops / 10**12), 5)} TFLOP/s"
    title += brackets(found)
    return Table(title, heads, rows, f"Peak: {peak.source}." if peak.source else "")


def figure(each: Utilisation) -> str:
    return "MFU" if each.scope == "training" else "HFU"


def share_of_peak(each: Utilisation) -> str:
    """Four digits, however small it is."""
    return f"{digits(100 * float(each.share), 4)} %"


def apart(found: list[Utilisation]) -> str:
    """One sentence for each figure: how far the formulas that cover the model part."""
    told = []
    for name in ("MFU", "HFU"):
        covered = sorted((e for e in found if figure(e) == name and not e.outside and e.share),
                         key=lambda e: e.share)  # fmt: skip
        if len(covered) == 1:
            told.append(f"{name} {share_of_peak(covered[0])} by {covered[0].formula}")
        elif covered:
            low, high = covered[0], covered[-1]
            told.append(f"{name} from {share_of_peak(low)} ({low.formula}) to "
                        f"{share_of_peak(high)} ({high.formula}), a factor of "
                        f"{float(high.share / low.share):.3f}")  # fmt: skip
    return "; ".join(told) + "."


def memory(found: Iterable[Held], shape: Transformer) -> Table:
    heads = (Column("what"), Column("bytes", "number"), Column("GB", "number"), Column("how"))
    rows = tuple(
        (each.what, exact(each.bytes), _giga(each.bytes),
         f"not covered: {each.outside}" if each.outside else each.how)
        for each in found
    )  # fmt: skip
    return Table(f"Memory of {shape.id}", heads, rows)


def _giga(amount: Fraction | None) -> str:
    return "" if amount is None else digits(float(amount) / 10**9, 4)


def phases(found: Iterable[Phase], peak: Peak | None) -> Table:
    heads = (Column("phase"), Column("tokens", "integer"), Column("FLOP", "number"),
             Column("bytes at least", "number"), Column("FLOP per byte", "number"),
             Column("bound by"), Column("ms at best", "number"))  # fmt: skip
    rows = tuple(
        (each.name, each.tokens, exact(each.flop), exact(each.bytes), digits(each.intensity, 4),
         each.bound or "", "" if each.seconds is None else digits(1000 * each.seconds, 4))
        for each in found
    )  # fmt: skip
    if peak is None or peak.ridge is None:
        return Table("Phases", heads, rows, "With --peak of a known device: what bounds each.")
    return Table("Phases", heads, rows, f"One {peak.device} turns from memory to compute at "
                 f"{digits(peak.ridge, 4)} FLOP per byte.")  # fmt: skip


# ---------------------------------------------------------------------------------------- data


def plain(value: Any) -> Any:
    """Records as JSON has them; amounts as numbers."""
    if isinstance(value, Fraction):
        return number(value)
    if is_dataclass(value) and not isinstance(value, type):
        named = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        extra = {"residual": plain(value.residual)} if isinstance(value, FormulaBridge) else {}
        return named | extra
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
