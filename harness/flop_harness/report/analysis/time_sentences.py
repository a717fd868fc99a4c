"""What the measurements of one machine support, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.records.times import Load, Times
from flop_harness.records.units import in_percent
from flop_harness.report.analysis import contexts, layers, memory, predictors, sweep_statements
from flop_harness.report.analysis.statements import Statement, not_shown, shown
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, few, group, plural, shorten, verb
from flop_harness.timing.agreement import ENOUGH
from flop_harness.timing.load import QUIET
from flop_harness.timing.statistics import iqr


def sentences(times: Times) -> list[str]:
    """How it was measured, what the samples show, and how many statements they do not show."""
    clock = MachineTimings(times)
    found = statements(clock)
    return [line for line in (
        *how_measured(clock), *shown(found), *memory.sentences(clock), open_sentence(found), *failure_sentences(times),
    ) if line]  # fmt: skip


def how_measured(clock: MachineTimings) -> list[str]:
    """Whether it repeats, what would be needed, and what others did meanwhile."""
    return [line for line in (
        policy_sentence(clock), repeat_sentence(clock), needs_sentence(clock),
        load_sentence(clock), disturbance_sentence(clock), pace_sentence(clock),
    ) if line]  # fmt: skip


def statements(clock: MachineTimings) -> list[Statement]:
    """Everything that is said of seconds, shown or not."""
    return [
        *predictors.statements(clock),
        *sweep_statements.grouped_statements(clock),
        *sweep_statements.input_statements(clock),
        *contexts.statements(clock),
        *layers.statements(clock),
    ]


def open_sentence(found: list[Statement]) -> str:
    """What the samples do not show is counted, not told as a finding."""
    left = not_shown(found)
    if not left:
        return ""
    reasons = few(dict.fromkeys(each.why for each in left), 3)
    return f"{plural(len(left), 'statement')} about time {verb(len(left), 'is', 'are')} not shown: {reasons}."


def repeat_sentence(clock: MachineTimings) -> str:
    """Whether two sessions agree; else that the machine is too noisy, and by how much."""
    found = clock.repeats
    if not found:
        return "Measured once: nothing is known of how well this repeats."
    apart = sorted(abs(each.ratio - 1) for each in found if not each.overlaps)
    agreeing = len(found) - len(apart)
    sessions = len({each.session for each in clock.times.forwards})
    which = (
        f" ({found[0].sessions[0]} and {found[0].sessions[1]} of {sessions})"
        if sessions > 2
        else ""
    )
    said = (
        f"Two sessions{which} agree, by intervals that overlap, on {group(agreeing)} of "
        f"{plural(len(found), 'median')}"
    )
    if agreeing >= ENOUGH * len(found):
        return f"{said}."
    middle = apart[len(apart) // 2]
    return (
        f"This machine is too noisy: {said[0].lower()}{said[1:]}, fewer than {in_percent(ENOUGH)}; the others lie "
        f"{digits(middle * 100)} % apart in the middle and {digits(apart[-1] * 100)} % at most."
    )


def policy_sentence(clock: MachineTimings) -> str:
    """How many series ended for which reason, and how many look stable."""
    found = [each for each in clock.clocked.values() if each.turns]
    narrow = sum((each.half_width or 1) <= clock.times.policy.precision for each in found)
    stopped = sum("budget" in each.ended for each in found)
    stable = sum(each.stability.stable for each in found)
    policy = clock.times.policy
    return (
        f"{plural(len(found), 'series')}: the medians of {group(narrow)} are known to "
        f"±{in_percent(policy.precision)}; {group(stopped)} stopped by the budget of {policy.budget_s:g} s; "
        f"{group(stable)} {verb(stable, 'looks', 'look')} stable."
    )


def needs_sentence(clock: MachineTimings) -> str:
    """What would be needed where intervals are too wide: they narrow with the root of the turns."""
    precision = clock.times.policy.precision
    wide = [each for each in clock.clocked.values() if (each.half_width or 0) > precision]
    if not wide:
        return ""
    factors = [((each.half_width or 0) / precision) ** 2 for each in wide]
    spent = [sum(sum(f.samples) * f.block for f in each.forwards) for each in wide]
    minutes = sum(s * f for s, f in zip(spent, factors, strict=True)) / 60
    return (
        f"{plural(len(wide), 'series')} {verb(len(wide), 'has', 'have')} a wider interval than "
        f"±{in_percent(precision)}: about {digits(max(factors))} times as many turns at most would be needed, "
        f"{digits(minutes)} minutes in all."
    )


def load_sentence(clock: MachineTimings) -> str:
    """What others did before and after."""
    found = [each for each in clock.times.load if each.others is not None]
    if not found:
        return ""
    told = ", ".join(f"{each.others:.2f} cores {each.when}" for each in found)
    averages = " ".join(f"{value:g}" for value in found[0].averages)
    quiet = all((each.others or 0) <= QUIET for each in found)
    lead = "Alone on the machine" if quiet else "NOT alone on the machine"
    return f"{lead}: others kept busy {told} (load averages {averages} before)."


def disturbance_sentence(clock: MachineTimings) -> str:
    """What the kernel tells of each session."""
    told = [f"{each.when}: {', '.join(words)}" for each in clock.times.load
            if (words := list(_taken(each)))]  # fmt: skip
    return f"While it was timed, {'; '.join(told)}." if told else ""


def _taken(load: Load) -> Iterator[str]:
    if load.steal is not None:
        yield f"a hypervisor took {digits(load.steal * 100)} % of the cores"
    if load.pressure is not None:
        yield f"a task waited for a core {digits(load.pressure * 100)} % of the time"
    if load.throttled is not None:
        yield f"cores were slowed down {plural(load.throttled, 'time')}"


def pace_sentence(clock: MachineTimings) -> str:
    """Whether seconds are corrected by the pace of the machine."""
    rounds = [each for session in clock.pace.values() for each in session]
    if not rounds:
        return ""
    return (
        f"The machine did not keep its speed: over {plural(len(rounds), 'round')}, the middle half of "
        f"the seconds of one fixed loop spans {digits(100 * iqr(rounds))} %. Medians are corrected by "
        "the loop's seconds of each round; raw samples are kept."
    )


def failure_sentences(times: Times) -> Iterator[str]:
    """What could not be timed or counted; the same in every session is told once."""
    for each in dict.fromkeys(times.failures):
        yield f"{shorten(each.case, 60)}: our {each.stage} failed: {shorten(each.message, 300)}"
