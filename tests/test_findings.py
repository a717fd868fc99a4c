"""What a report concludes, from runs in which it was planted."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness import report
from flop_harness.reconcile.changes import Entry, moved_terms
from flop_harness.records import Bridge, Context, Reading, Reference, Run, Step, Tool
from flop_harness.report.analysis import causes, drift, findings
from flop_harness.report.analysis import outcomes as outcomes_analysis
from flop_harness.report.analysis.agreement import groups, matrix
from flop_harness.report.analysis.families import families, family_of, kind_of
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables import outcomes as outcomes_tables
from flop_harness.report.tables import spreads
from flop_harness.report.words import terms
from runs import GRAD, NO_GRAD, a_reading, a_run, explained

META = Context("meta")
Pair = tuple[Reading, Bridge]


def reference(case: str, compute: dict[str, int], params: dict[str, int] | None = None,
              type: str = "m.Net") -> Reference:  # fmt: skip
    return Reference(case, type, compute, params or {})


def with_steps(pair: Pair, *steps: Step) -> Pair:
    """The same reading, its bridge made of steps that say more than a term and an amount."""
    reading, bridge = pair
    value = bridge.reference + sum(step.amount for step in steps)
    return replace(reading, value=value), replace(bridge, steps=steps, reading=value)


def sentences(run: Run, counter: str = "thop") -> list[str]:
    [profile] = [each for each in findings.profiles(Index(run)) if each.tool.id == counter]
    return [finding.sentence for finding in profile.findings]


def sentence(term: str, amount: int, compute: dict[str, int], counter="thop", **more) -> str:
    """What is said of a counter whose one bridge has one step."""
    pair = with_steps(explained("net", counter, sum(compute.values())), Step(term, amount, **more))
    [said] = sentences(a_run([pair], references=(reference("net", compute),)), counter)
    return said


# ---------------------------------------------------------------------------------- sentences


def test_all_of_a_kind_is_not_seen_and_less_of_it_is_a_part():
    """The reference has 60 in linear layers and 40 in convolutions."""
    work = {"linear": 60, "convolution": 40}
    assert sentence("linear not seen", -60, work) == "thop does not see linear layers."
    assert sentence("linear not seen", -59, work) == "thop sees only a part of linear layers."


def test_as_much_again_is_twice_and_another_amount_is_more():
    work = {"linear": 60}
    assert sentence("linear counted again", 60, work) == "thop charges linear layers twice."
    assert sentence("linear counted again", 61, work) == (
        "thop charges more for linear layers than the reference."
    )


def test_what_the_reference_lacks_is_charged():
    assert sentence("convolution bias", 5, {"convolution": 40}) == (
        "thop charges the bias of convolutions, which the reference does not."
    )


def test_a_term_that_nobody_described_still_makes_a_sentence():
    work = {"linear": 60}
    assert sentence("wavelets", 5, work) == "thop charges wavelets, which the reference does not."
    assert sentence("wavelets", -5, work) == "thop charges less for wavelets than the reference."
    assert sentence("wavelets not seen", -5, work) == "thop sees only a part of wavelets."
    assert sentence("wavelets of a shared module counted again", 5, work) == (
        "thop charges wavelets of a shared module once for each place where the model holds it."
    )


def test_the_kernel_that_hides_the_work_is_named():
    kernel = "aten._scaled_dot_product_flash_attention_for_cpu"
    work = {"attention product": 60}
    hidden = {"operators": {kernel: 60}, "classes": {"MultiheadAttention": -60}}
    said = sentence("attention product not seen", -60, work, "ptflops-aten", **hidden)
    assert said == (
        "ptflops-aten does not see the two products of attention, which run in the fused attention "
        f"kernel of the CPU ({kernel}), for which it has no rule."
    )
    said = sentence("attention product not seen", -60, work, "thop", **hidden)
    assert said == "thop does not see the two products of attention (of MultiheadAttention)."


def test_words_about_several_counters_fit_each_of_them():
    """A kernel hides work from who watches operators; who watches modules knows of no kernel."""
    kernel = "aten._scaled_dot_product_flash_attention_for_cpu"
    term = "attention product not seen"
    step = Step(term, -60, operators={kernel: 60}, classes={"MultiheadAttention": -60})
    pairs = [with_steps(explained("net", name, 100), step) for name in ("ptflops-aten", "thop")]
    for some, said in ((pairs[:1], True), (pairs, False), (pairs[1:], False)):
        (cause,) = causes.by_term(Index(a_run(some)))
        assert (kernel in cause.predicate) is said


def test_else_the_classes_are_named_that_do_the_work():
    more = {"classes": {"Window": -50, "Head": -9}, "operators": {"aten.mm": 59}}
    assert sentence("linear not seen", -59, {"linear": 60}, **more) == (
        "thop sees only a part of linear layers: not those of Window, Head."
    )
    more["classes"] = {"Window": -60}
    assert sentence("linear not seen", -60, {"linear": 60}, **more) == (
        "thop does not see linear layers (of Window)."
    )


def test_quantised_layers_are_told_from_those_that_are_seen():
    """torch sees Conv2d: only what runs as an operator on whole numbers is lost."""
    packed = {"operators": {"quantized.conv2d": 60}, "classes": {"Conv2d": -60}}
    work = {"convolution": 100}
    assert sentence("convolution not seen", -60, work, "torch", **packed) == (
        "torch does not see quantised convolutions (of Conv2d)."
    )
    packed["operators"] = {"quantized.conv2d": 59}  # of one MAC it is not known what does it
    assert sentence("convolution not seen", -60, work, "torch", **packed) == (
        "torch sees only a part of convolutions: not those of Conv2d."
    )


def test_of_quantised_and_other_layers_the_quantised_are_named_so():
    pairs = [with_steps(explained(case, "torch", 60), Step("linear not seen", -60, classes={"Linear": -60}, operators={operator: 60}))
             for case, operator in (("a", "quantized.linear_dynamic"), ("b", "aten.mkldnn_linear"))]  # fmt: skip
    run = a_run(pairs, references=tuple(reference(case, {"linear": 60}) for case in "ab"))
    assert sentences(run, "torch") == [
        "torch does not see linear layers (of quantised Linear, Linear)."
    ]
    lost = [findings.sentences(Index(run), bridge) for _, bridge in pairs]
    assert lost == [
        ["torch does not see quantised linear layers (of Linear)."],
        ["torch does not see linear layers (of Linear)."],
    ]


def test_all_here_and_a_part_there_is_not_all():
    pairs = [with_steps(explained(case, "thop", 60), Step("linear not seen", amount))
             for case, amount in (("a", -60), ("b", -10))]  # fmt: skip
    run = a_run(pairs, references=tuple(reference(case, {"linear": 60}) for case in "ab"))
    assert sentences(run) == ["thop does not see all of linear layers."]


def test_the_context_that_makes_the_difference_is_named():
    unseen = Step("attention product not seen", -60)
    pairs = [with_steps(explained("net", "thop", 60, context=context), *steps)
             for context, steps in ((GRAD, [unseen]), (NO_GRAD, [unseen]), (META, []))]  # fmt: skip
    run = a_run(pairs, references=(reference("net", {"attention product": 60}),))
    assert sentences(run) == [
        "thop does not see the two products of attention "
        "(under cpu grad and cpu no_grad; not under meta no_grad)."
    ]


def test_a_context_in_which_the_model_itself_does_less_counts_for_the_extent():
    """Of 60 the context leaves 50, and none of these is seen."""
    steps = (Step("linear not seen in this context", -10), Step("linear not seen", -50))
    run = a_run([with_steps(explained("net", "thop", 60), *steps)],
                references=(reference("net", {"linear": 60}),))  # fmt: skip
    assert sorted(sentences(run)) == [
        "thop does not see linear layers.",
        "thop is read in a context in which the model itself does less of linear layers.",
    ]


def test_parameters_that_are_left_out_are_one_finding():
    steps = [Step(f"{name} parameters not seen", -n, classes={name: -n})
             for name, n in (("Linear", 10), ("Conv2d", 30))]  # fmt: skip
    pair = with_steps(explained("net", "thop", 90, metric="params", unit="parameter"), *steps)
    held = {"Linear parameters": 40, "Conv2d parameters": 30, "Embedding parameters": 20}
    run = a_run([pair], references=(reference("net", {}, held),))
    assert sentences(run) == ["thop leaves out some of the parameters of Conv2d, Linear."]
    [profile] = findings.profiles(Index(run))
    assert profile.findings[0].extent == (
        "1 case, 40 parameters in all, at most 44.4 % of the reference"
    )


@pytest.mark.parametrize("text", [*terms.WHOLE, *(f"linear{ending}" for ending in terms.MANNERS)])
def test_every_described_term_ends_as_a_sentence(text):
    said = terms.predicate(text)
    assert said[0].islower() and said[-1] not in ".,:" and "{" not in said


@pytest.mark.parametrize(
    "before, after, told",
    [
        ({"ReLU": 5}, {}, "no longer charges ReLU"),
        ({}, {"linear bias": 5}, "now charges the bias of linear layers"),
        ({"ReLU": 5}, {"ReLU": 6}, "charges ReLU: more than before"),
        ({"linear not seen": -9}, {}, "now counts linear layers"),
        ({}, {"transposed convolution not seen": -9}, "no longer counts transposed convolutions"),
        ({"linear not seen": -9}, {"linear not seen": -4}, "counts linear layers: more than before"),
        ({"frozen parameters not counted": -9}, {}, "now counts frozen parameters"),
        ({}, {"linear counted again": 9}, "now charges more for linear layers than the reference"),
    ],
)  # fmt: skip
def test_a_change_of_a_release_is_told_by_what_is_counted(before, after, told):
    was, now = (Entry(100 + sum(terms.values()), terms=terms) for terms in (before, after))
    (moved,) = moved_terms(was, now)
    assert drift.kind_of(moved) == told


def test_a_counter_that_equals_the_reference_has_no_finding():
    run = a_run([explained("net", "thop", 60), explained("net", "torch", 60, unit="FLOP")],
                tools=(Tool("thop", "thop", "hooks on layers", "thop/profile.py"),))  # fmt: skip
    [thop, torch] = findings.profiles(Index(run))
    assert thop.findings == torch.findings == ()  # two FLOPs for a MAC are a unit, not a cause
    assert thop.agreement == "Equal to the reference: 1 of 1 figure for compute."
    assert thop.tool.description == "hooks on layers" and thop.version == "1.0"


# ------------------------------------------------------------------------------------ weights


def weights(unit: str, *steps: tuple[str, int], work: int = 100) -> list[Fraction]:
    pair = with_steps(explained("net", "x", work, unit=unit), *(Step(*step) for step in steps))
    index = Index(a_run([pair], references=(reference("net", {"linear": work}),)))
    return causes.in_macs_each(index, pair[1])


def test_in_macs_a_step_weighs_what_it_is():
    assert weights("MAC", ("linear not seen", -30), ("ReLU", 10)) == [-30, 10]


def test_in_flops_products_stand_in_macs_and_all_else_is_half():
    """100 MACs of which 70 are seen and doubled, and 10 FLOPs more: 150 FLOPs are 75 MACs."""
    steps = (("2 FLOPs per MAC", 70), ("linear not seen", -30), ("ReLU", 10))
    assert weights("FLOP", *steps) == [0, -30, 5]


def test_products_that_are_not_doubled_are_laid_to_the_doubling():
    """Of 100 MACs only 40 are doubled: 140 FLOPs are 70 MACs."""
    assert weights("FLOP", ("2 FLOPs per MAC", 40)) == [-30]


@given(st.lists(st.tuples(st.sampled_from([
    "linear not seen", "linear counted again", "linear by its shapes", "ReLU", "2 FLOPs per MAC",
    "linear counted again by a nested function", "2 FLOPs per MAC counted again by a nested function",
]), st.integers(-10**6, 10**6)), max_size=5))  # fmt: skip
def test_the_weights_make_up_the_distance_in_macs(drawn):
    steps = [("2 FLOPs per MAC", 7), *drawn]
    reading = 100 + sum(amount for _, amount in steps)
    assert 100 + sum(weights("FLOP", *steps)) == Fraction(reading, 2)


# -------------------------------------------------------------------------------------- causes


def test_causes_are_ranked_by_the_figures_they_touch_then_by_their_work():
    pairs = [explained(case, counter, size, {"bias": 1, **more})
             for case, counter, size, more in (("a", "thop", 100, {"big": 500}),
                                               ("b", "thop", 50, {}),
                                               ("b", "fvcore", 50, {"pool": 7}))]  # fmt: skip
    first, second, third = causes.by_term(Index(a_run(pairs)))
    assert (first.term, first.figures, len(first.cases), first.weight) == ("bias", 3, 2, 3)
    assert first.counters == ("thop", "fvcore")
    assert first.largest.part == pytest.approx(1 / 50) and first.smallest.case == "b"
    assert [(second.term, second.weight), (third.term, third.weight)] == [("big", 500), ("pool", 7)]


def test_what_is_added_here_and_taken_off_there_does_not_cancel():
    pairs = [explained("a", "thop", 100, {"odd": 5}), explained("b", "thop", 100, {"odd": -3})]
    [cause] = causes.by_term(Index(a_run(pairs)))
    assert (cause.weight, cause.net) == (8, 2)


def test_a_term_of_zero_is_no_cause():
    assert causes.by_term(Index(a_run([explained("a", "thop", 9, {"bias": 0})]))) == []


def test_the_findings_are_a_table_too():
    pairs = [explained("a", "thop", 100, {"pool": 5}), explained("b", "thop", 10, {"pool": 1})]
    [row] = csv.DictReader(io.StringIO(report.render(a_run(pairs), "findings.csv").decode()))
    assert row["sentence"] == "thop charges pool, which the reference does not."
    assert (row["cases"], row["figures"], row["explains"], row["net"]) == ("2", "2", "6", "6")
    assert (row["largest_case"], row["smallest_case"], row["largest_share"]) == ("b", "b", "0.1")


# ----------------------------------------------------------------------------------- agreement


def labels(run: Run) -> list[tuple[list[str], int]]:
    return [([column.label for column in group.columns], group.cases)
            for group in groups(Index(run), "compute")]  # fmt: skip


def test_counters_that_say_the_same_everywhere_are_a_group():
    """A FLOP is half a MAC; fvcore departs on b; numel gave no figure on b, and agrees on a."""
    pairs = [explained(case, counter, size, unit=unit)
             for case, size in (("a", 100), ("b", 50))
             for counter, unit in (("thop", "MAC"), ("torch", "FLOP"))]  # fmt: skip
    pairs += [explained("a", "fvcore", 100), explained("b", "fvcore", 50, {"pool": 1}),
              explained("a", "mmengine", 100)]  # fmt: skip
    assert labels(a_run(pairs)) == [(["thop", "torch", "mmengine"], 2), (["fvcore"], 2)]


def test_agreement_of_every_two_is_of_the_cases_that_both_counted():
    pairs = [explained("a", "thop", 10), explained("b", "thop", 10), explained("c", "thop", 10),
             explained("a", "fvcore", 10), explained("b", "fvcore", 10, {"pool": 1})]  # fmt: skip
    columns, cells = matrix(Index(a_run(pairs)), "compute")
    assert [column.label for column in columns] == ["thop", "fvcore"]
    assert cells == [[(3, 3), (2, 1)], [(2, 1), (2, 2)]]


# ------------------------------------------------------------------------------------ families


@pytest.mark.parametrize(
    ("compute", "type", "kind"),
    [
        ({"convolution": 99, "linear": 1}, "torchvision.models.vgg.VGG", "convolutions"),
        ({"convolution": 90, "linear": 10},
         "torchvision.models.detection.ssd.SSD", "convolutions (detection)"),
        ({"convolution": 2, "linear": 95, "attention product": 3},
         "torchvision.models.vision_transformer.ViT", "attention and matrix products"),
        ({"convolution": 50, "linear": 47, "einsum": 3},
         "torchvision.models.maxvit.MaxVit", "attention and matrix products with convolutions"),
        ({"linear": 98, "convolution": 2}, "m.ConvNeXt", "linear layers"),
        ({"recurrent product": 90, "linear": 10}, "m.Tagger", "recurrent layers"),
        ({}, "m.Nothing", "no products"),
    ],
)  # fmt: skip
def test_what_a_model_is_follows_from_its_products(compute, type, kind):
    assert kind_of(reference("net", compute, type=type)) == kind


def test_families_are_the_classes_of_the_models_the_widest_first():
    pairs = [explained(case, counter, 100, {"pool": extra} if extra else {})
             for case, extra in (("vgg11", 1), ("vgg16", 3), ("vit", 50))
             for counter, extra in (("thop", extra), ("fvcore", 0))]  # fmt: skip
    types = {"vgg11": "m.VGG", "vgg16": "m.VGG", "vit": "m.ViT"}
    made = tuple(reference(case, {"linear": 100}, type=name) for case, name in types.items())
    [vit, vgg] = families(Index(a_run(pairs, references=made)), family_of)
    assert (vit.name, vit.cases, vit.widest) == ("ViT", ("vit",), 1.5)
    assert (vgg.name, vgg.cases, vgg.widest) == ("VGG", ("vgg11", "vgg16"), 1.03)
    assert vgg.exact == ("fvcore",) and vgg.often(lambda spread: spread.high.counter) == "thop (2)"


# ------------------------------------------------------------------------------------ outcomes


def test_every_cell_ends_in_one_way():
    """Compute and parameters of one counter are one cell; the worse of the two is its end."""
    pairs = [explained("a", "thop", 10), explained("a", "thop", 4, metric="params"),
             explained("a", "fvcore", 10, residual=1)]  # fmt: skip
    others = [a_reading(case, "torchinfo", None, status="failed", message="no rule")
              for case in "ab"]  # fmt: skip
    others += [a_reading("b", "thop", None, status="unavailable", message="keywords only")]
    table = outcomes_tables.outcome_table(Index(a_run(pairs, tuple(others))))
    rows = table.rows
    assert [row[:3] for row in rows] == [
        (outcomes_analysis.EXPLAINED, 1, 2), (outcomes_analysis.UNEXPLAINED, 1, 1),
        ("refused", 2, 0), ("not asked", 1, 0),
    ]  # fmt: skip
    assert [row[3] for row in rows[1:]] == ["residual +1 MAC", "no rule", "keywords only"]
    assert table.note.endswith("Of 2 that gave figures, 50.0 % are explained.")


def test_figures_by_module_that_were_compared_are_told():
    reading, bridge = explained("a", "thop", 10)
    run = a_run([(reading, replace(bridge, modules=12))])
    [row] = outcomes_tables.outcome_table(Index(run)).rows
    assert "12 figures by module, of 1 cell, equal too" in row[3]


def test_the_spread_of_each_case_stands_with_who_is_at_its_ends():
    pairs = [explained("a", "thop", 100), explained("a", "torch", 100, {"odd": 100}, unit="FLOP")]
    [row] = spreads.spread_table(Index(a_run(pairs))).rows
    assert (row[0].text, row[2], row[3], row[4].text, row[5], row[6].text) == (
        "a", 1.5, 100, "thop", 150, "torch")  # fmt: skip
