"""The site: what its data say, against the records and the CSV; nothing here needs a browser."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest
from packaging.version import Version

from flop_harness import report, store
from flop_harness.counters.versions.days import DAYS, RECEIVED, day_of
from flop_harness.counters.versions.released import in_order
from flop_harness.errors import UserError
from flop_harness.records import (
    Case,
    Claim,
    Figure,
    Input,
    Reference,
    Release,
    Run,
    Step,
    Suite,
    Timeline,
    Tool,
    Verdict,
)
from flop_harness.report.analysis.audit import Entry
from flop_harness.report.analysis.figures import in_macs
from flop_harness.report.analysis.index import Index
from flop_harness.report.charts import drift
from flop_harness.report.site import grid, vendor
from flop_harness.report.site.axis import axis_of
from flop_harness.report.site.build import examples, files
from flop_harness.report.site.combine import combine
from flop_harness.report.site.contents import Site
from flop_harness.report.site.counters import by_axis, departures, exact_told
from flop_harness.report.site.families import family_rows, section_of
from flop_harness.report.site.home import (
    count_told,
    farthest,
    headline,
    kinds_table,
    losses,
    nearest_told,
)
from flop_harness.report.site.models import model_of, strip, ways
from flop_harness.report.site.overview import EXAMPLES, claims_files
from flop_harness.report.site.picture import SVG, heat_map, with_summary
from flop_harness.report.site.published import MANY, cited, own_in, published
from flop_harness.report.site.releases import moving, releases, still_told, unmoved
from flop_harness.report.site.search import claim_rows, release_rows
from flop_harness.report.site.sources import Results, is_library, results_in
from flop_harness.report.site.words import contexts_told, linked
from flop_harness.report.sources.published import as_text
from flop_harness.report.words.text import brief_ratio
from runs import GRAD, a_reading, a_run, explained, failed_run, hostile_run, loud_run, small_run

RESULTS = Path(__file__).parents[1] / "results"
SEEDS = RESULTS / "seeds"
VGG = 15_470_264_320
COMMENT = re.compile(r"\s*(//|\*|/\*\*.*\*/$|/\*\*(?!.*\*/))")
"""A line of a script that is a comment, or a part of one"""
SCRIPTS = sorted((Path(vendor.__file__).parents[1] / "pages").rglob("*.js"))


def site_of(*runs: Run) -> dict[str, str]:
    """Path -> text of every file of a site of these runs."""
    results = Results({Path(f"results/{place}"): run for place, run in enumerate(runs)})
    return {path: content.decode() for path, content in files(Site(results))}


def shard(text: str):
    """The value in a shard."""
    value, _ = json.JSONDecoder().raw_decode(text[text.index(",") + 1 :])
    return value


# ------------------------------------------------------------------------------ several suites


def case(name: str, model: str = "torchvision:vgg16", size: int = 224) -> Case:
    return Case(name, model, (Input((1, 3, size, size)),))


def run_of(name: str, *cases: Case) -> Run:
    pairs = [explained(each.id, "thop", VGG) for each in cases]
    return a_run(pairs, suite=Suite(name, 1, "", cases))


def test_a_model_that_two_suites_have_stands_once():
    made = combine([run_of("a", case("vgg16")), run_of("b", case("vgg"), case("large", size=512))])
    assert [each.id for each in made.run.suite.cases] == ["vgg16", "large"]
    assert made.also == {"vgg16": ("b",)} and made.origin["large"] == ("b", "large")
    assert {each.case for each in made.run.readings} == {"vgg16", "large"}


def test_two_models_of_one_name_are_told_apart_by_their_suite():
    made = combine([run_of("a", case("net", "a.py:net")), run_of("b", case("net", "b.py:net"))])
    assert [each.id for each in made.run.suite.cases] == ["net", "b-net"]
    assert made.origin["b-net"] == ("b", "net")


def test_a_folder_without_runs_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match="flop-harness compare"):
        results_in(tmp_path)


@pytest.mark.parametrize(
    "model, library",
    [("torchvision:vgg16", True), ("net.py:net", False), ("torch.nn:Linear", False)],
)
def test_layers_and_own_files_are_no_models_of_a_library(model, library):
    assert is_library(model) == library


# ------------------------------------------------------------------------------ one model


def test_who_says_the_same_stands_in_one_row_and_flops_are_halved():
    index = Index(small_run())
    groups = strip(index, "vgg16", "compute").groups
    equal = next(group for group in groups if group.reference)
    assert equal.macs == VGG and [each.name for each in equal.said] == ["torch"]
    assert [group.macs for group in groups] == sorted(group.macs for group in groups)


def test_a_counter_stands_twice_only_where_its_contexts_differ():
    pairs = [explained("net", "torch", 100), explained("net", "torch", 100, {"x": 5}, context=GRAD)]
    groups = strip(Index(a_run(pairs)), "net", "compute").groups
    names = [each.name for group in groups for each in group.said]
    assert names == ["torch (cpu no_grad)", "torch (cpu grad)"]


def test_rows_of_other_contexts_unfold_and_the_documented_one_is_named():
    """thop documents passes without gradients."""
    pairs = [explained("net", "thop", 100, {"x": 5}), explained("net", "thop", 100, {"x": 9}, context=GRAD),
             explained("net", "torch", 100)]  # fmt: skip
    index = Index(a_run(pairs))
    made = strip(index, "net", "compute")
    assert {group.macs: group.elsewhere for group in made.groups} == {
        100: False,
        105: False,
        109: True,
    }
    assert made.elsewhere == 1
    assert {each.macs: each.whole_name for group in made.groups for each in group.said} == {
        100: "torch",
        105: "thop (cpu no_grad, as documented)",
        109: "thop (cpu grad)",
    }
    page = site_of(a_run(pairs))["model/net.html"]
    assert page.count('<tr class="elsewhere">') == 1 and "also 1 figure in other contexts" in page


def test_a_part_of_a_count_is_no_way_of_counting():
    figures = tuple(Figure("net", name, value, "MAC") for name, value in (("macs", 100), ("padding", 7)))  # fmt: skip
    run = replace(a_run([explained("net", "thop", 100)]), figures=figures)
    model = model_of(Index(run), "net", "zoo")
    assert {way["tool"] for way in ways(Index(run), model)} == {"reference", "macs"}


def test_the_table_names_the_counters_that_report_flops():
    pairs = [explained("net", "torch", 100, unit="FLOP"), explained("net", "thop", 100)]  # fmt: skip
    assert "As reported, figures of torch are FLOPs" in site_of(a_run(pairs))["table.html"]
    assert "are FLOPs" not in site_of(a_run(pairs[1:]))["table.html"]


def test_a_refusal_is_no_figure_and_no_zero():
    zero, _ = explained("net", "fvcore", 100, {"all not seen": -100})
    failed = a_reading("net", "thop", None, status="failed", message="no")
    late = a_reading("net", "flopth", None, status="timeout")
    made = strip(
        Index(a_run([(zero, explained("net", "fvcore", 100)[1])], (failed, late))), "net", "compute"
    )
    assert {each.reading.counter: each.mark for each in made.silent} == {
        "thop": "refused",
        "flopth": "failed",
    }
    assert [group.place for group in made.groups if group.macs == 0] == [None]


def test_a_counter_that_was_not_asked_has_no_text_for_an_issue():
    """What the harness itself says of a counter is no error of the tool."""
    said = {"failed": "ValueError: x", "unavailable": "the model looks at values"}
    silent = [a_reading("net", "thop", None, status=status, message=message) for status, message in said.items()]  # fmt: skip
    page = site_of(a_run([explained("other", "thop", 100)], tuple(silent)))["counter/thop.html"]
    told, unasked = page.split('<h2 id="refusals">')[1].split('<h2 id="unasked">')
    assert "refused: ValueError: x" in told and "It ends with:" in told
    assert "not asked: the model looks at values" in unasked
    assert "issue" not in unasked and "looks at values" not in told


def test_terms_of_every_figure_add_up_to_it_in_macs():
    for run in (small_run(), loud_run()):
        for path, text in site_of(run).items():
            for each in shard(text)["answers"] if path.startswith("data/model/") else ():
                if each["value"] is not None:
                    moved = sum(Fraction(step["macs"]) for step in each["steps"])
                    gap = in_macs(each["residual"], each["unit"])
                    assert each["reference"] + moved + gap == in_macs(each["value"], each["unit"])


def test_a_whole_number_that_a_script_would_round_is_text():
    large = 2**53 + 1
    told = shard(site_of(a_run([explained("net", "thop", large)]))["data/model/net.js"])
    assert told["answers"][0]["value"] == str(large)


def test_figures_are_those_of_the_csv():
    run = store.load(SEEDS)
    rows = csv.DictReader(io.StringIO(report.render(run, "readings.csv").decode()))
    told = {(row["case"], row["counter"], row["metric"], row["value"])
            for row in rows if row["status"] == "ok" and row["counter"] != "analytic"}  # fmt: skip
    found = set()
    for path, text in site_of(run).items():
        if path.startswith("data/model/"):
            value = shard(text)
            found |= {(value["name"], each["counter"], each["metric"], str(each["value"]))
                      for each in value["answers"] if each["value"] is not None}  # fmt: skip
    assert found == told


@pytest.mark.parametrize("low, high", [(1, 1), (15e9, 15.5e9), (1e3, 1e12), (1e-6, 2)])
def test_an_axis_holds_its_values_and_has_a_few_ticks(low, high):
    axis = axis_of([low, high, 0])
    assert 0 <= axis.place(low) <= axis.place(high) <= 100
    assert 1 <= len(axis.ticks) <= 6 and all(0 <= place <= 100 for place, _ in axis.ticks)


def test_an_axis_of_nothing_is_none():
    assert axis_of([0, 0]) is None


# ------------------------------------------------------------------------------ families


def zoo(*figures: tuple[str, str, int]) -> Index:
    """Models of two architectures, 100 MAC each, with a figure of thop."""
    cases = [Case(name, f"torchvision:{name}") for name, _, _ in figures]
    references = tuple(Reference(name, f"torchvision.models.{kind}.Net", {"convolution": 100}, {})
                       for name, kind, _ in figures)  # fmt: skip
    pairs = [explained(name, "thop", 100, {"x": more}) for name, _, more in figures]
    return Index(a_run(pairs, suite=Suite("zoo", 1, "", tuple(cases)), references=references))


def test_a_cell_tells_the_ratio_that_is_farthest_from_one():
    rows = family_rows(zoo(("a", "vgg", 0), ("b", "vgg", 10), ("c", "vgg", -50)), "abc")
    (cell,) = rows[0].cells
    assert (rows[0].name, cell.mark, cell.tone) == ("vgg", "0.50", "low d4")


def test_a_figure_of_zero_is_farther_than_any_other():
    rows = family_rows(zoo(("a", "vgg", 900), ("b", "vgg", -100)), "ab")
    assert (rows[0].cells[0].mark, rows[0].cells[0].tone) == ("0", "zero")


@pytest.mark.parametrize("more, axis, told", [
    (2, False, "all 2 counters agree within 2.0 %; 1 of them equals the reference."),
    (3, True, "1 of 2 counters equals the reference; highest and lowest are 3.0 % apart."),
    (300, True, "1 of 2 counters equals the reference; highest and lowest are 4.0 times apart."),
])  # fmt: skip
def test_the_first_sentence_about_a_model_says_who_agrees_and_an_axis_how_far_others_are(
    more, axis, told
):
    pairs = [explained("net", counter, 100, {"x": extra}) for counter, extra in [("thop", 0), ("torchinfo", more)]]  # fmt: skip
    model = model_of(Index(a_run(pairs)), "net", "zoo")
    assert model.sentence == f"Called as documented, {told}"
    assert (model.strips[0].axis is not None) == axis


def test_the_counter_that_is_farthest_from_the_reference_by_ratio_is_explained_first():
    figures = {"thop": 150, "torchinfo": 40, "fvcore": 240, "torch": 100}
    pairs = [explained("net", counter, 100, {"x": value - 100}) for counter, value in figures.items()]  # fmt: skip
    (shown, *_) = model_of(Index(a_run(pairs)), "net", "zoo").strips
    assert shown.farthest == "torchinfo"
    (shown, *_) = model_of(Index(a_run([explained("net", "torch", 100)])), "net", "zoo").strips
    assert shown.farthest == ""


def test_a_lone_architecture_stands_with_the_others():
    rows = family_rows(zoo(("a", "vgg", 0), ("b", "vgg", 0), ("c", "odd", 0)), "abc")
    assert [(row.name, row.cases) for row in rows] == [("vgg", ("a", "b")), ("others", ("c",))]


@pytest.mark.parametrize(
    "ratio, words",
    [
        (0, "0"),
        (1, "1"),
        (1.0001, "≈1"),
        (1.004, "1.004"),
        (0.5, "0.50"),
        (1 / 137, "1/137"),
        (1 / 160293, "1/160k"),
        (640, "640"),
    ],
)
def test_a_ratio_in_a_few_signs(ratio, words):
    assert brief_ratio(ratio) == words


def test_home_counts_counters_within_two_per_cent_and_zeros_and_tells_what_parts_the_nearest():
    index = zoo(("a", "vgg", 2), ("b", "vgg", 1), ("c", "vgg", -100), ("d", "vgg", 0))
    rows = family_rows(index, "abcd")
    ((name, close, *_, zeros),) = kinds_table(rows).rows
    assert (name, close, zeros) == ("Convolutional networks", "1 of 1", "1 of 4")
    told = nearest_told(rows, index)
    assert "thop is nearest: it equals the reference on 1 of the 4 models of torchvision" in told
    assert told.endswith("Elsewhere it charges x (3 models).")


def test_what_the_nearest_does_not_see_is_listed_after_one_verb():
    told = losses([("linear not seen", 3), ("ReLU", 2), ("convolution not seen", 1)])
    assert told == "does not see linear layers (3 models) and convolutions (1 model) and charges ReLU (2 models)"  # fmt: skip


def test_home_says_which_layers_the_nearest_loses_where_they_are_quantised():
    step = Step("convolution not seen", -100, operators={"quantized.conv2d": 100})
    reading, bridge = explained("q", "thop", 100, {"convolution not seen": -100})
    index = zoo(("a", "vgg", 0), ("q", "quantization.vgg", 0))
    run = replace(index.run, readings=(*index.run.readings[:1], reading), bridges=(*index.run.bridges[:1], replace(bridge, steps=(step,))))  # fmt: skip
    index = Index(run)
    told = nearest_told(family_rows(index, "aq"), index)
    assert told.endswith("Elsewhere it does not see quantised convolutions (1 model).")


def test_a_model_at_another_size_of_another_suite_is_no_further_model_of_its_family():
    """Two sizes in one suite are two rows of it; another suite's size is in the table alone."""
    references = [Reference(name, "torchvision.models.vgg.VGG", {"convolution": VGG}, {}) for name in ("vgg16", "vgg16-512", "own")]  # fmt: skip
    first = replace(run_of("zoo", case("vgg16")), references=(references[0],))
    second = run_of("seeds", case("vgg16-512", size=512), case("own", "net.py:net"))
    second = replace(second, references=tuple(references[1:]))
    site = Site(Results({Path("a"): first, Path("b"): second}))
    (row,) = site.families
    assert row.cases == ("vgg16",)
    told = {each["name"]: each["section"] for each in grid.shard(site.results.index, site.models, [row], ())["rows"]}  # fmt: skip
    assert told == dict(zip(("vgg16", "vgg16-512", "own"), (row.kind, row.kind, "Layers"), strict=True))  # fmt: skip
    assert count_told(site.models) == "1 model and 1 single layer or small network"
    together = replace(run_of("zoo", case("vgg16"), case("vgg16-512", size=512)), references=tuple(references[:2]))  # fmt: skip
    assert Site(Results({Path("a"): together})).families[0].cases == ("vgg16", "vgg16-512")


def test_home_tells_the_model_on_which_counters_are_farthest_apart():
    figures = {"a": (100, 110), "b": (100, 400), "c": (100, 120)}
    pairs = [explained(case, tool, 100, {"x": value - 100})
             for case, values in figures.items() for tool, value in zip(("thop", "fvcore"), values, strict=True)]  # fmt: skip
    references = tuple(Reference(case, "torchvision.models.vgg.Net", {"convolution": 100}, {}) for case in figures)  # fmt: skip
    cases = tuple(Case(case, f"torchvision:{case}") for case in figures)
    index = Index(a_run(pairs, suite=Suite("zoo", 1, "", cases), references=references))
    rows = family_rows(index, "abc")
    ((_, _, usual, worst, _),) = kinds_table(rows).rows
    assert (usual, worst) == ("20 %", "4.0 times on b")
    assert headline(rows) == (
        "The highest and the lowest figure that 2 counters give of one model are usually "
        "20 % apart on convolutional networks."
    )
    assert farthest(rows) == ("b", "fvcore", 4.0)


def test_one_counter_is_apart_from_none_and_equal_to_the_reference_nothing_is_farthest():
    rows = family_rows(zoo(("a", "vgg", 0), ("b", "vgg", 0)), "ab")
    assert headline(rows) == "" and farthest(rows) is None


def test_home_shows_what_can_be_asked_by_the_figure_that_is_farthest():
    site = Site(Results({Path("zoo"): zoo(("a", "vgg", 0), ("resnet50", "vgg", 300)).run}))
    assert list(examples(site)) == [
        ("resnet50", "model/resnet50.html"),
        ("why thop gives 4.00 times its MACs", "model/resnet50.html#thop"),
        (EXAMPLES[0], f"convert.html#q={EXAMPLES[0].replace(' ', '%20')}"),
    ]


def test_a_counter_tells_on_how_many_models_it_equals_the_reference():
    rows = family_rows(zoo(("a", "vgg", 0), ("b", "vgg", 1), ("c", "resnet", 0)), "abc")
    assert "equals the reference on 2 of the 3 models" in exact_told(departures("thop", rows))
    assert exact_told(departures("fvcore", rows)) == ""


def timeline(*figures: int) -> Timeline:
    """Releases 0.0, 0.1, ... of thop, asked about one model of 100 MAC; the figure of each."""
    pairs = [explained("net", "thop", 100, {"x": figure - 100} if figure != 100 else {}) for figure in figures]  # fmt: skip
    releases = tuple(Release(f"0.{place}", (reading,), (bridge,))
                     for place, (reading, bridge) in enumerate(pairs))  # fmt: skip
    return Timeline(1, Tool("thop"), (case("net"),), {}, (), releases)


def test_releases_that_change_no_figure_are_told_in_one_sentence():
    assert unmoved(timeline(100, 100)) == "No figure of 1 small model changed from 0.0 to 0.1."
    assert unmoved(timeline(100, 110)) == ""


def with_failures(told: Timeline, *places: int) -> Timeline:
    """The releases at these places raise an error."""
    failed = a_reading("net", "thop", None, status="failed", message="TypeError: x")
    releases = [Release(each.version, (failed,), ()) if place in places else each
                for place, each in enumerate(told.releases)]  # fmt: skip
    return replace(told, releases=tuple(releases))


def test_releases_without_a_figure_are_no_releases_that_change_none():
    told = with_failures(timeline(*[100] * 6), 0, 1, 4)
    assert unmoved(told) == (
        "No release before 0.2 gives a figure. No figure of 1 small model changed from 0.2 to 0.5. "
        "0.4 gives none."
    )
    assert unmoved(with_failures(timeline(100), 0)) == ""
    assert [(each.versions, each.changed) for each in releases(told)] == [
        ("0.0 to 0.1", "no figure"), ("0.2 to 0.3", "first figure of net"),
        ("0.4", "no figure"), ("0.5", "a figure again of net"),
    ]  # fmt: skip


def test_every_line_of_releases_says_what_changed():
    called = [replace(each, remedies=("called otherwise",) * place)
              for place, each in enumerate(timeline(100, 100).releases)]  # fmt: skip
    same = replace(timeline(100), releases=tuple(called))
    assert [each.changed for each in releases(same)] == ["first figure of net", "nothing"]
    moved = releases(timeline(100, 105))
    assert [each.changed for each in moved] == ["first figure of net", "now charges x (net)"]


def test_quantised_models_have_an_axis_of_their_own():
    """Their ratios lie between 1/100 and 1, those of the others within 2 per cent."""
    index = zoo(
        ("a", "vgg", 2),
        ("b", "vgg", 1),
        ("c", "quantization.vgg", -99),
        ("d", "quantization.vgg", -98),
    )
    plain, quantised = by_axis(departures("thop", family_rows(index, "abcd")))
    assert [each.row.kind for each in (*plain, *quantised)] == [
        "Convolutional networks",
        "Quantised networks",
    ]
    assert plain[0].axis.low > 0.4 and quantised[0].axis.low < 0.01


def test_models_that_no_release_moved_are_named_and_not_drawn():
    still, moved = explained("still", "thop", 100), [explained("net", "thop", 100, terms) for terms in ({}, {"x": 5})]  # fmt: skip
    releases = tuple(Release(f"0.{n}", (still[0], reading), (still[1], bridge)) for n, (reading, bridge) in enumerate(moved))  # fmt: skip
    told = Timeline(1, Tool("thop"), (case("still"), case("net")), {}, (), releases)
    assert [each.id for each in moving(told).cases] == ["net"]
    assert {point["case"] for point in drift.points(moving(told))} == {"net"}
    assert still_told(told) == "No release changed a figure of still."


def test_releases_are_found_under_the_name_of_their_counter():
    ((kind, title, link, *_),) = release_rows({"thop": timeline(100, 110)})
    assert (kind, title, link) == ("releases", "thop: releases", "counter/thop.html#releases")


def test_quantised_networks_stand_apart():
    rows = family_rows(zoo(("a", "vgg", 0), ("b", "vgg", 0), ("c", "quantization.vgg", -100),
                           ("d", "quantization.vgg", -100)), "abcd")  # fmt: skip
    assert [(row.kind, row.name) for row in rows] == [
        ("Convolutional networks", "vgg"),
        ("Quantised networks", "vgg"),
    ]


@pytest.mark.parametrize(
    "root, inputs, section",
    [
        ("transformers.models.bert.modeling_bert.BertModel", "1x128", "Language models"),
        ("transformers.models.bert.modeling_bert.BertModel", "1x128 + 1x128", "Language models"),
        ("transformers.models.vit.modeling_vit.ViTModel", "1x3x224x224", "Other tasks"),
        ("torch.nn.modules.linear.Linear", "1x128", "Convolutional networks"),
    ],
)
def test_a_language_model_is_one_of_transformers_that_reads_tokens(root, inputs, section):
    assert section_of(Reference("a", root, {"linear": 100}, {}, inputs)) == section


def test_what_the_repository_shows_of_the_results_is_current():
    site = Site(results_in(RESULTS))
    readme = (RESULTS / "README.md").read_text()
    assert with_summary(readme, site.families, site.results.index) == readme
    assert (RESULTS / SVG).read_text() == heat_map(site.families)


# ------------------------------------------------------------------------------ words and claims


def test_a_word_leads_to_its_meaning_where_it_first_stands():
    made = linked("References <b> of readings; a reference, no bridges", "../")
    assert made.count("<a ") == 3 and "&lt;b&gt;" in made
    assert '<a class="word" href="../method.html#word-reference" title="What a model' in made
    assert ">References</a>" in made and ">bridges</a>" in made and "a reference, no" in made


def test_contexts_are_told_in_words():
    assert contexts_told(["cpu no_grad"]).startswith(
        "The model stands on the CPU. Whether torch keeps"
    )


@pytest.mark.parametrize(
    "value, unit, own, own_unit, told",
    [
        ("4.1", "GFLOPs", "4089184256", "MAC", "8.178"),  # a MAC is two FLOPs
        ("4.1", "GMACs", "8178368512", "FLOP", "4.089"),
        ("25.557", "M", "25557032", "parameter", "25.557"),  # as many digits as are printed
        ("25,557,032", "params", "25557032", "parameter", "25,557,032"),
        ("1.19", "%", "10838016", "MAC", ""),  # no count of anything
        ("many", "", "1", "MAC", ""),
        ("1", "G", "", "", ""),
    ],
)
def test_what_a_model_has_stands_in_the_unit_of_the_claim(value, unit, own, own_unit, told):
    row = {"value": value, "unit": unit, "own": own, "own_unit": own_unit, "metric": "compute"}
    assert own_in(row) == told


@pytest.mark.parametrize(
    "claim, value, unit, title, figure",
    [
        ("gpt3-2.1/gpt3-xl/width", "2048", "width", "gpt3-xl: width", "2,048 elements"),
        ("chinchilla-3/4/compute", "5.76e+23", "compute", "chinchilla-3, row 4: training compute", "5.76e+23 FLOP"),
        ("d/bert/forward-macs", "3.1", "forward macs (G)", "bert: forward MACs", "3.1 GMACs"),
        ("t/hfl/bert/mfu 2", "37.14%", "mfu", "hfl/bert: MFU", "37.14 %"),
        ("l/bloom/params", "175B", "params", "bloom: parameters", "175 B parameters"),
        ("l/gopher/compute", "6.3e23", "compute", "gopher: training compute", "6.3e+23 FLOP"),
        ("003/a third of the parameters, with bias", "a == b / 3", "", "a third of the parameters, with bias", ""),
    ],
)  # fmt: skip
def test_a_claim_about_a_row_of_a_table_has_a_title_in_words(claim, value, unit, title, figure):
    made = published(a_row(claim=claim, value=value, unit=unit))
    assert (made.title, made.figure) == (title, figure)


@pytest.mark.parametrize(
    "metric, value, unit, figure",
    [
        ("params", "86567656", "", "86,567,656 parameters"),
        ("params", "138.36", "M", "138.36 M parameters"),
        ("params", "4,111,514", "params", "4,111,514 parameters"),
        ("params", "25", "%", "25 %"),
        ("compute", "15470314496", "FLOPs", "15,470,314,496 FLOPs"),
        ("compute", "0.5", "G", "0.5 G"),
        ("compute", "3139.93", "G MACs", "3,139.93 GMACs"),
    ],
)
def test_a_published_figure_is_readable_and_names_parameters(metric, value, unit, figure):
    assert published(a_row(metric=metric, value=value, unit=unit)).figure == figure


def test_a_statement_stands_under_a_title_in_words():
    made = published(a_row(claim="002/one linear layer", model="torchvision:googlenet", value="calls[Linear] == 1"))  # fmt: skip
    assert (made.title, made.statement) == ("googlenet: one linear layer", "calls[Linear] == 1")
    page = dict(claims_files(Site(Results({}, claims=[a_row(claim="003/a third", value="a == b / 3")]))))  # fmt: skip
    assert "a third<code>a == b / 3</code>" in page["claims.html"].decode()


@pytest.mark.parametrize(
    "value, unit, reason, told",
    [
        ("5.29", "G FLOPs", "the source also gives 5692390000 FLOPs; the model has 5.6924 G FLOPs (calflops)",
         "the source also gives 5.69239 GFLOPs; calflops gives 5.6924 GFLOPs"),
        ("15690900000", "FLOPs", "the source also gives 15.65 G FLOPs; the model has 1.5651e+10 FLOPs (calflops)",
         "the source also gives ≈15,650,000,000 FLOPs; calflops gives ≈15,651,000,000 FLOPs"),
        ("741.19", "G MACs", "the source also gives 7418800000 MACs; the model has 0.71419 G MACs (macs)",
         "the source also gives 7.4188 GMACs; macs gives 0.71419 GMACs"),
        ("4.1", "G MACs", "the source also gives 8.2 G FLOPs", "the source also gives 4.1 GMACs"),
        ("14195000", "", "the source also gives 14.15 M; the model has 1.4149e+07  (calflops)",
         "the source also gives ≈14,150,000; calflops gives ≈14,149,000"),
        ("228", "MB", "comes to 228.882, but not from what the model has 244.4 MB (param-bytes)",
         "comes to 228.882, but not from the 244.4 MB that param-bytes gives"),
        ("61.1", "M", "the model has 61,100,840", "the model has 61.10084 M"),
        ("5", "%", "the source also gives 7 MACs", "the source also gives 7 MACs"),  # no count of anything
    ],
)  # fmt: skip
def test_all_figures_of_a_row_stand_in_its_unit(value, unit, reason, told):
    row = a_row(value=value, unit=unit, reason=reason)
    assert published(row).reason == told


@pytest.mark.parametrize(
    "value, own, gives, told",
    [
        ("0.03", 24_195_000, 0.032016, "fvcore gives 0.03202 GMACs, printed as 0.03"),
        ("0.0242", 24_195_000, 0.024195, "fvcore gives it to the printed precision"),  # what stands beside
        ("14.09", 14_060_000_000, 14.0901, "fvcore gives it to the printed precision"),  # the same digits
        ("3.8e0", 1, 3.857973, "fvcore gives 3.858 GMACs, printed as 3.8e+0"),
    ],
)  # fmt: skip
def test_who_gives_a_figure_that_the_model_itself_has_not_is_told_with_its_own(
    value, own, gives, told
):
    row = a_row(value=value, unit="GMACs", own=str(own), own_unit="MAC", gives=str(gives),
                reason="fvcore gives it to the printed precision")  # fmt: skip
    assert published(row).reason == told


def test_an_amount_in_powers_of_ten_is_grouped_where_its_digits_can_be_told():
    reason = "macs give it, from 4.08918e+09 to 4.08919e+09; chinchilla-F gives 4.74672e+23"
    assert published(a_row(reason=reason)).reason == (
        "macs give it, from ≈4,089,180,000 to ≈4,089,190,000; chinchilla-F gives 4.74672e+23"
    )


@pytest.mark.parametrize(
    "value, unit, macs",
    [
        ("45.0", "G FLOPs", "45.12"),  # 2 x 45.12 = 90.24 FLOPs
        ("90.0", "G FLOPs", ""),
        ("45.0", "G MACs", ""),
        ("45,122,117,632", "FLOPs", "45,122,117,632"),
        ("many", "FLOPs", ""),
    ],
)
def test_flops_that_are_rather_macs_have_these_beside_them(value, unit, macs):
    made = published(a_row(value=value, unit=unit, own=str(2 * 45_122_117_632), own_unit="FLOP"))
    assert made.as_macs == macs
    page = dict(claims_files(Site(Results({}, claims=[a_row(value="45.0", unit="G FLOPs", own=str(2 * 45_122_117_632), own_unit="FLOP")]))))  # fmt: skip
    assert "90.24 <small>45.12 as MACs</small>" in page["claims.html"].decode()


@pytest.mark.parametrize(
    "variant, title",
    [
        ("", "net"),
        ("width_mult=0.75", "net × 0.75"),
        ("width=0.25", "net × 0.25"),
        ("groups=3, scale=2.0", "net (groups=3, × 2.0)"),
        ("name=resnet18", "net (resnet18)"),
        ("image_size=384", "net (image_size=384)"),
    ],
)
def test_models_of_one_name_are_told_apart_by_their_variant(variant, title):
    made = published(a_row(model="models.py:net", variant=variant))
    assert made.title == title
    assert [row[1] for row in claim_rows([made])] == [f"{title}: unexplained"]


def test_what_models_compute_stands_first_among_verdicts_alike():
    rows = [
        a_row(claim="t/gpt/width", value="5", unit="width", metric=""),
        a_row(claim="params", model="torchvision:vgg16", metric="params"),
        a_row(claim="stated", model="torchvision:vgg16", ruling="reproduced"),
        a_row(claim="macs", model="torchvision:vgg16"),
        a_row(claim="wrong", value="5", unit="width", metric="", ruling="error in the source"),
    ]
    order = ["wrong", "macs", "params", "t/gpt/width", "stated"]
    anchors = [published(a_row(claim=claim)).id for claim in order]
    assert [each.id for each in Site(Results({}, claims=rows)).published] == anchors


@pytest.mark.parametrize("count, open_", [(8, True), (9, False)])
def test_more_than_eight_reproduced_figures_of_a_model_are_folded(count, open_):
    rows = [a_row(claim=str(n), model="torchvision:vgg16", source=f"README {n}", ruling="reproduced")
            for n in range(count)]  # fmt: skip
    run = run_of("zoo", case("vgg16"))
    results = Results({Path("results/zoo"): run}, claims=[*rows, a_row(model="torchvision:vgg16")])
    page = dict(files(Site(results)))["model/vgg16.html"].decode()
    assert f"<summary>{count} reproduced as stated</summary>" in page
    assert ('id="reproduced" open>' in page) == open_
    assert page.index("unexplained</span>") < page.index('id="reproduced"')


def test_a_figure_of_a_model_made_otherwise_says_so():
    """A quantised model's page also has what is published of the model before quantising."""
    own = replace(case("q", "torchvision:q"), kwargs={"quantize": True})
    run = a_run([explained("q", "thop", VGG)], suite=Suite("zoo", 1, "", (own,)))
    rows = [a_row(claim=made, model="torchvision:q", value="1", unit="G", made=made)
            for made in ("", "quantize=true", "aux=false")]  # fmt: skip
    page = dict(files(Site(Results({Path("results/zoo"): run}, claims=rows))))["model/q.html"].decode()  # fmt: skip
    assert '<p class="facts">1×3×224×224 · quantize=true · 15.47 GMAC</p>' in page
    told = page.split('<ul class="claims">')[1].split("</ul>")[0].split("<li>")[1:]
    assert ["quantize=true" in line for line in told] == [True, False, False]
    assert "made without quantize=true" in told[0] and "made with aux=false" in told[2]


def test_the_arguments_of_a_claims_model_come_from_its_audit():
    of = Claim("a", "f", "s", "params", "1", "M", case("q", "torchvision:q"))
    wide = replace(of, case=replace(of.case, kwargs={"width": 2, "name": "x y"}))
    made = [as_text(Entry(each, Verdict("a", "reproduced", "")))["made"] for each in (of, wide, replace(of, case=None))]  # fmt: skip
    assert made == ["", "width=2, name=x y", ""]


def test_a_verdict_in_words_has_a_minus_and_a_space_before_per_cent():
    told = published(a_row(reason="without biases of gpt3-2.1 gives 3e-07, -33.33% off")).reason
    assert told == "without biases of gpt3-2.1 gives 3e-07, −33.33 % off"


def test_what_a_source_says_alike_of_several_weights_is_told_once():
    rows = [a_row(claim=claim, model="torchvision:vgg16", value=value, own=own)
            for claim, value, own in [("at 224", "15.47", "15470264320"), ("at 384", "15.47", "45466976256"),
                                      ("elsewhere", "15.5", "15470264320")]]  # fmt: skip
    told = Site(Results({}, claims=rows)).claims["torchvision:vgg16"]
    assert [(each.id, each.value) for each in told] == [
        (published(rows[0]).id, "15.47"),
        (published(rows[2]).id, "15.5"),
    ]


def test_figures_of_the_same_model_at_other_sizes_are_told_apart_and_parameters_are_not():
    rows = [a_row(model="torchvision:vgg16", metric=metric, value="15.5", inputs=inputs)
            for metric in ("compute", "params") for inputs in ("1x3x224x224", "1x3x384x384")]  # fmt: skip
    told = Site(Results({}, claims=rows)).claims["torchvision:vgg16"]
    assert [each.inputs for each in told] == ["1x3x224x224", "1x3x384x384", ""]


def test_what_is_as_stated_of_a_large_table_has_a_page_of_its_own():
    many = [
        a_row(file="large", claim=str(n), source="a README of its own", ruling="reproduced")
        for n in range(MANY)
    ]
    rows = [
        *many,
        a_row(file="large", claim="odd"),
        a_row(file="small", claim="even", ruling="reproduced"),
    ]
    site = Site(Results({}, claims=rows))
    made = {path: content.decode() for path, content in claims_files(site)}
    assert set(made) == {"claims.html", "claims/large.html"}
    for each in site.published:
        assert [path for path, page in made.items() if f'id="{each.id}"' in page] == [each.page]
    assert f'href="claims/large.html">{MANY:,} of large' in made["claims.html"]
    large = made["claims/large.html"]
    assert large.count("a README of its own") == 1  # one source for all
    assert "<h1>large: figures reproduced as stated</h1>" in large
    assert f"{MANY:,} claims: {MANY:,} reproduced." in large and "unexplained" not in large
    assert 'class="parts filters"' not in large  # nothing to choose among
    assert 'class="parts filters"' in made["claims.html"]
    assert re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', large) == [
        ("../claims.html", "true")
    ]
    assert re.findall(r'<a href="([^"]+)" aria-current="(\w+)"', made["claims.html"]) == [
        ("claims.html", "page")
    ]
    assert f"all {MANY:,}</label>" in large and "</label></details>" not in made["claims.html"]
    links = [link for _, _, link, *_ in claim_rows(site.published)]
    alone = [f"claims.html#{each.id}" for each in site.published if each.page == "claims.html"]
    assert links == ["claims/large.html", *alone]


def a_row(**values: str) -> dict[str, str]:
    """A line of verdicts.csv."""
    empty = dict.fromkeys(("claim", "model", "layer", "variant", "gives", "source", "reason", "value", "unit", "inputs", "own", "own_unit", "made"), "")  # fmt: skip
    return {**empty, "file": "made", "metric": "compute", "ruling": "unexplained", **values}


@pytest.mark.parametrize(
    "source, address",
    [
        ("Howard et al., 2017, arXiv:1704.04861, Table 2", "https://arxiv.org/abs/1704.04861"),
        ("an article, https://example.org/a/b.html, section 4", "https://example.org/a/b.html"),
        ("karpathy/nanoGPT sizing.ipynb:12 @3adf61e1", "https://github.com/karpathy/nanoGPT/blob/3adf61e1/sizing.ipynb"),
        ("README of thop 0.0.22", None),
    ],
)  # fmt: skip
def test_a_source_that_is_named_whole_is_linked(source, address):
    assert (f'href="{address}"' in cited(source)) == bool(address)
    assert re.sub("<.*?>", "", cited(source)) == source


# ------------------------------------------------------------------------------ all pages


@pytest.mark.parametrize("make", [small_run, loud_run, failed_run, hostile_run])
def test_a_site_of_any_run_is_whole(make):
    made = site_of(make())
    assert {
        "index.html",
        "table.html",
        "convert.html",
        "time.html",
        "claims.html",
        "method.html",
    } <= made.keys()
    assert {"data/search.js", "data/figures.js", "data/table.js"} <= made.keys()


def test_our_own_script_is_small_and_its_lines_are_readable():
    """Under 600 lines of code over the site and the report of a suite, none wider than 120."""
    lines = [line for file in SCRIPTS for line in file.read_text().splitlines()]
    code = [line for line in lines if line.strip() and not COMMENT.match(line)]
    assert 300 < len(code) < 600 and max(map(len, lines)) <= 120


def test_no_page_asks_for_what_lies_elsewhere():
    for path, text in site_of(small_run()).items():
        if path.endswith(".html"):
            assert (
                "http://" not in text and 'src="http' not in text and "default-src 'none'" in text
            )


def test_links_between_pages_lead_somewhere():
    made = site_of(small_run(), replace(store.load(SEEDS)))
    for path, text in made.items():
        for target in re.findall(r'href="([^"#]+\.html)', text) if path.endswith(".html") else ():
            folder = path.rpartition("/")[0]
            where = (
                target.removeprefix("../")
                if target.startswith("../")
                else f"{folder}/{target}".lstrip("/")
            )
            assert where in made, (path, target)


@pytest.mark.parametrize(
    "version, day",
    [("0.0.30.post190806", "2019-08-06"), ("0.1.5.post20221221", "2022-12-21"), ("0.7.5", "")],
)
def test_a_version_tells_its_day(version, day):
    assert str(day_of("unknown", version) or "") == day


@pytest.mark.parametrize(
    "table, name", [*((DAYS, name) for name in DAYS), *((RECEIVED, name) for name in RECEIVED)]
)
def test_days_of_releases_never_go_back(table, name):
    versions = table[name].split()[::2]
    assert in_order(versions) == tuple(versions)
    lines = [list(line) for _, line in groupby(versions, lambda each: Version(each).release[:2])]
    for line in [*lines, [line[0] for line in lines]]:  # 1.9.5 came after 2.0.0
        days = [day_of(name, version) for version in line]
        assert days == sorted(days)


@pytest.mark.parametrize(
    "file", sorted((RESULTS / "drift").glob("*.json.xz")), ids=lambda file: file.name.split(".")[0]
)
def test_the_day_of_every_release_that_was_asked_is_known(file):
    timeline = store.load_timeline(file)
    name = timeline.tool.distribution or timeline.tool.id
    assert [each.version for each in timeline.releases if day_of(name, each.version) is None] == []


def test_a_library_that_is_not_the_pinned_file_is_refused(tmp_path, monkeypatch):
    import tarfile

    def packs(command, **more):
        folder = command[command.index("--pack-destination") + 1]
        (tmp_path / "d3.min.js").write_text("other")
        with tarfile.open(Path(folder) / "d3.tgz", "w:gz") as archive:
            archive.add(tmp_path / "d3.min.js", "package/dist/d3.min.js")
        return type("Done", (), {"returncode": 0, "stderr": ""})()

    monkeypatch.setattr(vendor.subprocess, "run", packs)
    monkeypatch.setattr(vendor.shutil, "which", lambda name: name)
    with pytest.raises(UserError, match="is not the file it was"):
        vendor.libraries(tmp_path / "kept")


def test_without_npm_a_site_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="npm is needed"):
        vendor.libraries(tmp_path)


def test_a_counter_that_no_suite_asked_is_named():
    home = site_of(small_run())["index.html"]
    [others] = re.findall(r"asked about no model here: (.*)\.</p>", home)
    assert {"torchsummaryx", "torch-profiler"} <= set(others.split(", "))
    assert "counter/thop.html" in home and "thop" not in others.split(", ")
