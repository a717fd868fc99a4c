"""The verdicts on published figures, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from flop_harness.errors import UserError
from flop_harness.records import Audit, Claim, Ruling, Verdict
from flop_harness.records.units import in_percent, parse_figure, with_unit
from flop_harness.report.words.text import anchor, human, listed, plural

RULINGS: tuple[Ruling, ...] = get_args(Ruling)
WORDS: Mapping[Ruling, str] = {
    "reproduced": "reproduced",
    "not as stated": "reproduced, but not as stated",
    "error in the source": "error in the source",
    "unexplained": "unexplained",
}
TOLD: Mapping[Ruling, str] = {
    **WORDS,
    "not as stated": "reproduced but not as stated",
    "error in the source": "wrong in the source",
}
"""The same in a sentence."""
HOW_JUDGED = """Each figure is held against what every convention and every counter's rules give for
its model, read in every way that has a reason; the simplest explanation wins, and further ones are
counted. A far-fetched one is taken only if it explains most of a column, or if fewer than one made-up
figure in twenty would fit as well: one in a hundred where it explains a single figure of a column."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim and its verdict."""

    claim: Claim
    verdict: Verdict

    @property
    def anchor(self) -> str:
        return anchor("claim", self.claim.file, self.claim.id)

    @property
    def about(self) -> str:
        """The model, the layer and the inputs."""
        case, given = self.claim.case, self.claim.given
        if given:
            length = given.get("length", "")
            named = [given.get("model", ""), f"{length} tokens" if length else ""]
            return " ".join(filter(None, named))
        if case is None:
            return ", ".join(case.model for case in self.claim.models.values())
        made = ", ".join(f"{key}={value}" for key, value in case.kwargs.items())
        model = f"{case.model}({made})" if made else case.model
        return " ".join(filter(None, [model, self.claim.layer, case.shapes]))

    @property
    def figure(self) -> str:
        return self.claim.holds or " ".join(filter(None, [self.claim.value, self.claim.unit]))

    @property
    def own(self) -> str:
        """What the model itself is: exact, and in short."""
        value, unit = self.verdict.own, self.verdict.own_unit
        if value is None:
            return ""
        short = human(value, unit)
        exact = plural(value, unit)
        return exact if short == exact or abs(value) < 1000 else f"{exact} ({short})"

    @property
    def ruling(self) -> str:
        return WORDS[self.verdict.ruling]

    @property
    def tone(self) -> str:
        """The class of its row: two words at most."""
        return self.verdict.ruling.replace(" ", "-")

    @property
    def remarks(self) -> list[str]:
        """What else there is to say, a sentence each."""
        verdict, claim = self.verdict, self.claim
        told = [claim.note] if claim.note else []
        if claim.counts:
            fits = {True: "it is among those that fit", False: "it does not fit"}
            told.append(f"the author names {claim.counts}"
                        + (f": {fits[verdict.named]}" if verdict.named is not None else ""))  # fmt: skip
        if verdict.tried:
            told.append(f"{plural(verdict.tried, 'distinct value')} tried, {verdict.within:,} within"
                        f" the rounding interval; {_percent(verdict.chance)} of made-up figures"
                        " would fit as well")  # fmt: skip
        if verdict.others:
            told.append(f"{plural(verdict.others, 'further way')} to explain it, less simple")
        if verdict.ambiguous:
            told.append("ambiguous: what fits is not related")
        return told


def _percent(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.001 else in_percent(share, 1) if share else "none"


def entries(audit: Audit) -> list[Entry]:
    """Every claim with its verdict, in the order of the files."""
    return [Entry(c, v) for c, v in zip(audit.claims, audit.verdicts, strict=True)]


def row(entry: Entry) -> dict[str, Any]:
    """A claim and its verdict, by column of verdicts.csv."""
    claim, verdict, case = entry.claim, entry.verdict, entry.claim.case
    return {
        "file": claim.file,
        "claim": claim.id,
        "source": claim.source,
        "model": case.model if case else "",
        "layer": claim.layer,
        "variant": variant(case.kwargs) if case else "",
        "inputs": case.shapes if case else "",
        "metric": claim.metric,
        "value": claim.value or claim.holds,
        "unit": claim.unit,
        "counts": claim.counts,
        "ruling": verdict.ruling,
        "ambiguous": "yes" if verdict.ambiguous else "",
        "fits": len(verdict.fits),
        "named": "" if verdict.named is None else "yes" if verdict.named else "no",
        "within": verdict.within,
        "tried": verdict.tried,
        "chance": round(verdict.chance, 4),
        "others": verdict.others,
        "reason": verdict.reason,
        "own": verdict.own,
        "own_unit": verdict.own_unit,
        "gives": given(claim, verdict),
    }


def variant(kwargs: Mapping[str, Any]) -> str:
    """What tells models of one name apart: ``width_mult=0.75``; neither switches nor lists."""
    told = {name: value for name, value in kwargs.items()
            if isinstance(value, (int, float, str)) and not isinstance(value, bool)}  # fmt: skip
    return ", ".join(f"{name}={value}" for name, value in told.items())


def given(claim: Claim, verdict: Verdict) -> float | None:
    """What the simplest way that explains a figure gives, in the figure's unit; None of other texts.

    ``0.03`` printed, 6.3 % below: 0.032.
    """
    if not verdict.fits or verdict.fits[0].gap == -1:
        return None
    try:
        printed = parse_figure(with_unit(claim.value)[0])
    except UserError:
        return None
    return float(printed.value) / (1 + verdict.fits[0].gap)


def headline(audit: Audit) -> str:
    """One sentence: how many claims, and what became of them."""
    found = Counter(verdict.ruling for verdict in audit.verdicts)
    parts = [f"{found[ruling]:,} {TOLD[ruling]}" for ruling in RULINGS if found[ruling]]
    ambiguous = sum(verdict.ambiguous for verdict in audit.verdicts)
    told = f"{plural(len(audit.claims), 'claim')}: {listed(parts) if parts else 'none'}"
    return f"{told}; {ambiguous:,} of them ambiguous." if ambiguous else f"{told}."


def because(verdict: Verdict) -> str:
    return f"{verdict.reason} (ambiguous)" if verdict.ambiguous else verdict.reason
