"""Published figures held against everything that could be behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from flop_harness.audit.candidates import own_counting
from flop_harness.audit.claim_set import ClaimSet
from flop_harness.audit.claims import ClaimFile
from flop_harness.audit.language import judge as language
from flop_harness.audit.prices import Prices, Progress, identity
from flop_harness.audit.rules import judge, settles
from flop_harness.audit.statements import examine
from flop_harness.counters import counters
from flop_harness.records import Audit, Claim, Verdict
from flop_harness.run.environment import describe
from flop_harness.store import SCHEMA, Journal

__all__ = ["audit"]

NUMBERS = re.compile(r"\d+")


def audit(
    files: Iterable[ClaimFile],
    folder: Path,
    workers: int = 1,
    tell: Progress = lambda done, total: None,
    fresh: bool = False,
    note: Callable[[str], None] = lambda line: None,
) -> Audit:
    """One verdict for each claim. Prices are kept in ``folder``, and taken from there."""
    files = tuple(files)
    claims = tuple(claim for file in files for claim in file.claims)
    tools = sorted({counter.distribution for counter in counters().values()})
    folders = {file.name: file.folder for file in files}
    with Journal.open(folder, identity(tools), fresh) as journal:
        prices = Prices(journal, folders, workers, tell)
        traced = tuple(claim for claim in claims if not of_language(claim))
        prices.prepare(traced)
        prices.complete(traced, settles)
        if prices.reused:
            note(f"{prices.reused} of {len(prices.jobs)} models were counted before")
        claim_set = ClaimSet(traced, prices.of_claim, prices.of_others)
        verdicts = {id(claim): verdict_on(claim, claim_set, prices) for claim in traced}
        verdicts |= language.verdicts(claim for claim in claims if of_language(claim))
        for claim in prices.search():  # and now with what they searched for
            verdicts[id(claim)] = judge(claim, claim_set)
        for claim in traced:
            verdicts[id(claim)] = with_own_figure(claim, verdicts[id(claim)], prices)
    silent: dict[str, dict[str, str]] = {}
    for name, job in prices.jobs.items():
        silent.setdefault(job.case.model, {}).update(prices.silence(name))
    return Audit(
        SCHEMA,
        describe(["torch", "torchvision", *tools]),
        claims,
        tuple(verdicts[id(claim)] for claim in claims),
        {model: reasons for model, reasons in silent.items() if reasons},
    )


def of_language(claim: Claim) -> bool:
    """Whether a figure follows from its row, and not from a model that is built."""
    return claim.case is None and not claim.holds


def verdict_on(claim: Claim, claim_set: ClaimSet, prices: Prices) -> Verdict:
    for failure in prices.failures(claim):
        return Verdict(claim.id, "unexplained", f"not counted: {failure}")
    if claim.holds:
        return on_statement(claim, prices)
    if claim.metric == "output":
        return on_output(claim, prices)
    return judge(claim, claim_set)


def with_own_figure(claim: Claim, verdict: Verdict, prices: Prices) -> Verdict:
    """The verdict with what the model, or the layer, itself is: FLOPs are twice its MACs."""
    if claim.holds:
        return verdict
    wanted = own_counting(claim)
    for price in prices.of_claim(claim).prices:
        if price.counting == wanted:
            value = price.layers.get(claim.layer) if claim.layer else price.total
            return (
                replace(verdict, own=value, own_unit=price.unit) if value is not None else verdict
            )
    return verdict


def on_statement(claim: Claim, prices: Prices) -> Verdict:
    models = {name: prices.of_case(case, claim.file) for name, case in claim.models.items()}
    if claim.case is not None:
        models[""] = prices.of_claim(claim)
    finding = examine(claim, models)
    if finding.holds:
        return Verdict(claim.id, "reproduced", finding.evidence)
    return Verdict(claim.id, "error in the source", f"in fact {finding.evidence}")


def on_output(claim: Claim, prices: Prices) -> Verdict:
    """A shape is right or wrong: whatever is between its numbers."""
    given = prices.of_claim(claim).outputs[claim.layer]
    stated = "x".join(number for number in NUMBERS.findall(claim.value))
    if stated == given:
        return Verdict(claim.id, "reproduced", f"the output is {given}")
    return Verdict(claim.id, "error in the source", f"the output is {given or 'nothing'}")
