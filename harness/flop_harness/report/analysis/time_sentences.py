"""What the measurements of one machine support, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records.times import Times
from flop_harness.report.analysis import layers, memory, predictors, sweeps
from flop_harness.report.analysis.timings import AGREEMENT, MachineTimings
from flop_harness.report.words.text import digits, group, plural, shorten, verb
from flop_harness.timing.load import QUIET


def sentences(times: Times) -> list[str]:
    """What the measurements support, one sentence each."""
    clock = MachineTimings(times)
    return [line for line in (
        policy_sentence(clock), repeat_sentence(clock), load_sentence(clock),
        *predictors.sentences(clock), *sweeps.grouped_sentences(clock),
        *sweeps.input_sentences(clock), *memory.sentences(clock), *layers.sentences(clock),
        *failure_sentences(times),
    ) if line]  # fmt: skip


def repeat_sentence(clock: MachineTimings) -> str:
    """Whether two sessions agree; else that the machine is too noisy, and by how much."""
    found = clock.repeats
    if not found:
        return "Measured once: nothing is known of how well this repeats."
    apart = sorted(abs(each.ratio - 1) for each in found if not each.overlaps)
    agreeing = len(found) - len(apart)
    said = (
        f"Two sessions agree, by intervals that overlap, on {group(agreeing)} of "
        f"{plural(len(found), 'median')}"
    )
    if agreeing >= AGREEMENT * len(found):
        return f"{said}."
    middle = apart[len(apart) // 2]
    return (
        f"This machine is too noisy: {said.lower()}, fewer than {AGREEMENT:.0%}; the others lie "
        f"{digits(middle * 100)} % apart in the middle and {digits(apart[-1] * 100)} % at most."
    )


def policy_sentence(clock: MachineTimings) -> str:
    """How many series ended for which reason, and how many look stable."""
    found = [each for each in clock.clocked.values() if each.turns]
    narrow = sum(each.ended == "precise" for each in found)
    stable = sum(each.stability.stable for each in found)
    policy = clock.times.policy
    return (
        f"{plural(len(found), 'series')}: {group(narrow)} within ±{policy.precision:.0%}, "
        f"{group(len(found) - narrow)} stopped by the budget of {policy.budget_s:g} s; "
        f"{group(stable)} {verb(stable, 'looks', 'look')} stable."
    )


def load_sentence(clock: MachineTimings) -> str:
    """What others did meanwhile."""
    found = clock.times.load
    if not found:
        return ""
    told = ", ".join(f"{each.others:.2f} cores {each.when}" for each in found)
    averages = " ".join(f"{value:g}" for value in found[0].averages)
    quiet = all(each.others <= QUIET for each in found)
    lead = "Alone on the machine" if quiet else "NOT alone on the machine"
    return f"{lead}: others kept busy {told} (load averages {averages} before)."


def failure_sentences(times: Times) -> Iterator[str]:
    """What could not be timed or counted; the same in every session is told once."""
    for each in dict.fromkeys(times.failures):
        yield f"{shorten(each.case, 60)}: our {each.stage} failed: {shorten(each.message, 300)}"
