"""Released versions side by side: their order, what makes them run, and what explains them."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import combinations

import pytest
import torch

from flop_harness import store
from flop_harness.counters import counters
from flop_harness.counters.pricing.onnx_graph import Node
from flop_harness.counters.versions.compatibility import REMEDIES, shim_for, shimmed
from flop_harness.counters.versions.graphs import ONNX_TOOL_0_8
from flop_harness.counters.versions.layers import by_layer
from flop_harness.counters.versions.released import in_order, is_version, same
from flop_harness.counters.versions.rules import RULES_OF, as_of
from flop_harness.counters.versions.thop import in_single_precision, single
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Context, Reading, Release, Step, Timeline, Tool
from flop_harness.records.account import Account
from flop_harness.regression.drift import (
    among_others,
    chosen_among,
    installed,
    reusable,
    with_releases,
)
from flop_harness.report.analysis import drift as drift_analysis
from flop_harness.report.charts import drift as drift_chart
from flop_harness.report.documents import drift as drift_documents
from flop_harness.report.tables import drift as drift_tables
from flop_harness.store import TIMELINE_SCHEMA, dump_timeline, load_timeline
from flop_harness.suite import files as suite
from flop_harness.trace.recorder import record
from runs import a_suite

# --------------------------------------------------------------------------------------- order


def test_releases_stand_in_the_order_of_their_dates_where_they_have_some():
    """0.0.4 of June 2020 follows 0.0.31 of May 2020."""
    versions = ["0.1.1.post2209072238", "0.0.4.post2006032126", "0.0.31.post2005241907",
                "0.0.22", "0.0.22.post1906241147", "0.0.30.post190806"]  # fmt: skip
    assert in_order(versions) == (
        "0.0.22", "0.0.22.post1906241147", "0.0.30.post190806", "0.0.31.post2005241907",
        "0.0.4.post2006032126", "0.1.1.post2209072238",
    )  # fmt: skip


def test_others_stand_in_the_order_of_their_numbers():
    assert in_order(["2.0.10", "2.0.9", "0.2.3", "no version"]) == ("0.2.3", "2.0.9", "2.0.10")


def test_two_spellings_are_one_version():
    assert same("0.1.1-2209072238", "0.1.1.post2209072238")
    assert not same("0.7.4", "0.7.5")
    assert not is_version("junk")


def test_releases_are_chosen_by_globs():
    listed = ("0.7", "0.7.1", "0.7.1.1", "0.6")
    assert chosen_among(listed, (), "x") == list(listed)
    assert chosen_among(listed, ("0.7.1*",), "x") == ["0.7.1", "0.7.1.1"]
    with pytest.raises(UserError, match=r"no release of x matches 0\.8"):
        chosen_among(listed, ("0.8",), "x")


# ------------------------------------------------------------------------------------ remedies


def test_a_remedy_is_taken_for_the_failure_that_it_mends_and_once():
    message = "ImportError: cannot import name 'Iterable' from 'collections' (<env>)"
    remedy = shim_for("thop", message, ())
    assert remedy is not None
    assert remedy.name.endswith("out of collections")
    assert shim_for("thop", message, (remedy,)) is None
    assert shim_for("thop", "ValueError: something else", ()) is None


def test_another_way_to_call_is_for_its_own_tool_alone():
    message = "TypeError: profile() got an unexpected keyword argument 'inputs'"
    assert shim_for("thop", message, ()).name == "called with input_size"
    assert shim_for("flopth", message, ()).name == "called with in_size"
    assert shim_for("fvcore", message, ()) is None


def test_a_reading_names_its_remedies():
    names = []
    remedy = replace(REMEDIES[0], patch=lambda: names.append("patched"))
    counter = replace(counters()["thop"], read=lambda *asked: asked)
    with pytest.warns(
        UserWarning, match="^remedy: run with the classes that Python 3.10 took out of collections$"
    ):
        assert shimmed(counter, (remedy,)).read(1, 2, 3, 4) == (1, 2, 3, 4)
    assert names == ["patched"]
    assert shimmed(counter, ()) is counter


# ------------------------------------------------------------------------------- rules of versions

LISTED = {
    "thop": ["0.0.22", "0.0.22-1906241147", "0.0.23.post1907171430", "0.0.31-2005241907",
             "0.0.23.post1908061459", "0.0.4.post2009041907", "0.0.5.post2206100352"],
    "ptflops-pytorch": ["0.1", "0.5.2", "0.6", "0.6.3", "0.6.4", "0.6.9", "0.7", "0.7.1",
                        "0.7.1.1", "0.7.1.2", "0.7.2", "0.7.2.2", "0.7.4"],
    "torchinfo": ["0.0.2", "0.1.1", "1.7.0"],
    "torchprofile": ["0.0.1", "0.0.2", "0.0.3", "0.0.4"],
    "fvcore": ["0.1.dev200210", "0.1.dev200417", "0.1.1.post20200602", "0.1.2.post20210115",
               "0.1.3.post20210224", "0.1.3.post20210226", "0.1.3.post20210311", "0.1.4",
               "0.1.5.post20210518", "0.1.5.post20211023"],
    "flopth": ["0.0.1", "0.0.4", "0.0.5", "0.0.502", "0.1.1", "0.1.2", "0.1.3", "0.1.4"],
    "torchscan": ["0.1.0", "0.1.1", "0.1.2"],
    "torch": ["2.15.0", "2.15.0+cu132", "2.15.0a0+git1234"],
    "ultralytics-thop": ["0.0.1", "2.0.14", "2.0.15", "2.0.16", "2.0.21", "2.1.1", "2.1.2",
                         "2.1.3", "2.1.5", "2.1.6", "2.2.1", "2.2.2"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "version"), [(n, v) for n in LISTED for v in LISTED[n]])
def test_an_earlier_version_has_rules_of_its_own(name, version):
    (rules,) = [rules for rules in RULES_OF[name] if rules.has(version)]
    told = as_of(counters()[name], version)
    assert told.quantities["compute"].price is rules.price
    params = counters()[name].quantities.get("params")
    told_params = told.quantities.get("params")
    assert (told_params and told_params.price) == (rules.params or (params and params.price))
    assert told.source == rules.source


@pytest.mark.parametrize(("name", "version"), [
    ("thop", "0.1.1-2209072238"), ("ptflops-pytorch", "0.7.5"), ("torchinfo", "1.8.0"),
    ("torchprofile", "0.1.0"), ("torchinfo", "1.7.1"), ("fvcore", "0.1.5.post20220119"),
    ("ultralytics-thop", "2.2.3"), ("flopth", "0.1.5"), ("torchscan", "0.2.0"), ("torch", "2.11.0"), ("torch", "2.14.1+cu130"), ("numel", "2.14.1"), ("thop", "no version"),
])  # fmt: skip
def test_the_present_version_has_the_present_rules(name, version):
    assert as_of(counters()[name], version) is counters()[name]


class Attends(torch.nn.Module):
    def forward(self, q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v)


def test_torch_counts_fused_attention_on_the_cpu_since_2_15():
    """Batch 2, 4 heads, 16 queries and keys of 8: two products of 16 x 16 x 8 for each head."""
    q = torch.randn(2, 4, 16, 8)
    trace = record(Attends(), (q, q, q))
    prices = {version: as_of(counters()["torch"], version).quantities["compute"]
              for version in ("2.14.1", "2.15.0")}  # fmt: skip
    macs = 2 * 2 * 4 * 16 * 16 * 8
    assert prices["2.14.1"].price(trace).total == 0
    assert prices["2.15.0"].price(trace).total == 2 * macs
    assert prices["2.15.0"].breakdown(trace) == {"Global": 2 * macs, "Attends": 2 * macs}


def charged_by(version: str, module: torch.nn.Module, *shape: int) -> int | float:
    trace = record(module.eval(), (torch.rand(shape),))
    return as_of(counters()["deepspeed"], version).quantities["compute"].price(trace).total


def test_deepspeed_divided_transposed_convolutions_by_their_groups_twice_before_0_19_7():
    """A kernel of 3 x 3 from 4 channels to 6 in 2 groups, over 7 x 7 positions that become 13 x 13."""
    module = torch.nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2)
    forward = (7 + 2 * 1 - 3) // 2 + 1
    assert charged_by("0.19.6", module, 1, 4, 7, 7) == 2 * 9 * 4 * (3 // 2) * 49 + 3 * forward**2
    assert charged_by("0.19.8", module, 1, 4, 7, 7) == 2 * 9 * 4 * 3 * 49 + 6 * 13**2


def test_deepspeed_raised_the_scale_of_upsampling_to_the_batch_before_0_17_2():
    module = torch.nn.Upsample(scale_factor=2)
    elements = 3 * 2 * 4 * 4
    assert charged_by("0.17.1", module, 3, 2, 4, 4) == elements * 2**3
    assert charged_by("0.17.2", module, 3, 2, 4, 4) == elements * 2**2


def test_deepspeed_did_not_see_fused_attention_before_0_13_3():
    class Attends(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    assert charged_by("0.13.2", Attends(), 1, 2, 5, 8) == 0
    assert charged_by("0.13.3", Attends(), 1, 2, 5, 8) == 2 * 2 * (2 * 5 * 5 * 8)


def test_onnx_tool_took_a_recurrent_layer_for_one_of_its_steps_before_0_9():
    """An LSTM of 12 inputs and 16 units over 7 steps: 4 gates, 12 x 16 and 16 x 16 products each, 8 biases."""
    shapes = ((7, 1, 12), (1, 64, 12), (1, 64, 16), (1, 128))
    node = Node("LSTM", "aten.lstm", ("torch.nn.LSTM",), "", shapes, ((7, 1, 1, 16),), ())
    charges = dict(ONNX_TOOL_0_8["LSTM"](node))
    products = 4 * (12 * 16 + 16 * 16)
    assert charges == {
        "recurrent product": 7 * products,
        "recurrent product of one step": -6 * products,
        "recurrent product bias": 8 * 16,
    }


@pytest.mark.parametrize(
    ("left", "right", "batch"),
    [((5, 2, 3), (1, 3, 4), 1), ((5, 2, 3), (3, 4), 5), ((1, 2, 3), (5, 3, 4), 5)],
)
def test_onnx_tool_took_the_batch_of_more_dimensions_before_0_9(left, right, batch):
    node = Node("MatMul", "aten.matmul", (), "", (left, right), ((5, 2, 4),), ())
    assert sum(amount for _, amount in ONNX_TOOL_0_8["MatMul"](node)) == batch * 2 * 3 * 4


def test_sums_in_single_precision_are_those_of_the_tool():
    """torch adds float32 buffers, one layer after another."""
    import torch

    from cells import canonical
    from layers import LAYERS

    trace = canonical(LAYERS["linear"])
    amounts = {module.path: 2**24 + 1 + 2 * place for place, module in enumerate(trace.modules)}
    made = in_single_precision(lambda _: Account({(p, "x"): n for p, n in amounts.items()}))(trace)
    total = torch.zeros(1)
    for amount in amounts.values():
        total += torch.Tensor([amount])
    assert made.total == total.item()
    assert single(0.1) == struct.unpack("f", struct.pack("f", 0.1))[0]
    assert by_layer({})(trace).total == 0


# ----------------------------------------------------------------------------------- timelines

CONTEXT = Context(mode="eval")
ALEXNET = 714_188_480
BIAS, POOL = 484_992, 9_216 * 2  # AlexNet's convolutions: outputs; its pool: (1 + 1) x 256 x 6 x 6


def release(version: str, terms: dict[str, int], residual: int = 0, **more) -> Release:
    value = ALEXNET + sum(terms.values()) + residual
    reading = Reading("a", "thop", version, CONTEXT, "compute", "MAC", "ok", value, str(value),
                      warnings=("remedy: one",))  # fmt: skip
    steps = tuple(Step(name, amount) for name, amount in terms.items())
    bridge = Bridge("a", "thop", CONTEXT, "compute", "MAC", ALEXNET, steps, residual, value)
    return Release(version, (reading,), (bridge,), **more)


def timeline(*releases: Release) -> Timeline:
    return Timeline(
        TIMELINE_SCHEMA, Tool("thop"), a_suite("a").cases,
        {"python": "CPython 3.11", "torch": {"version": "2.14.1"}},
        tuple(each.version for each in releases), releases,
    )  # fmt: skip


def test_a_tool_that_counts_parameters_alone_has_a_timeline_of_these():
    """A linear layer of 64 to 5 with bias has 5 x 64 + 5 parameters; an old release leaves the bias."""

    def says(version: str, value: int, terms: dict[str, int]) -> Release:
        reading = Reading("a", "torchsummary", version, CONTEXT, "params", "parameter", "ok", value)
        steps = tuple(Step(name, amount) for name, amount in terms.items())
        bridge = Bridge("a", "torchsummary", CONTEXT, "params", "parameter", 325, steps, 0, value)
        return Release(version, (reading,), (bridge,))

    (change,) = drift_analysis.changes(
        timeline(says("1.4", 320, {"bias not seen": -5}), says("1.5", 325, {}))
    )
    assert (change.was.said, change.now.said) == (320, 325)
    assert change.after == "1.5"


STORY = timeline(
    Release("0.0.1", error="ImportError: no <b>module</b>"),
    release("0.0.5", {"convolution bias": BIAS, "adaptive average pooling": POOL}),
    release("0.0.6", {"convolution bias": BIAS, "adaptive average pooling": POOL}),
    Release("0.0.7", (Reading("a", "thop", "0.0.7", CONTEXT, "compute", "MAC", "failed",
                              message="NameError: x"),)),
    release("0.1.1", {"adaptive average pooling": POOL}),
    release("0.2", {"adaptive average pooling": POOL}, residual=7),
)  # fmt: skip


def test_a_change_is_told_by_its_terms_across_releases_that_failed():
    first, second = drift_analysis.changes(STORY)
    assert (first.before, first.after) == ("0.0.6", "0.1.1")
    assert (first.was.said, first.now.said) == (714_691_904, 714_206_912)
    assert list(drift_analysis.stories(STORY)) == [
        "0.1.1: no longer charges the bias of convolutions (a)", "0.2: now leaves a residual (a)",
    ]  # fmt: skip
    assert second.terms[0].change == 7


def test_releases_that_say_the_same_share_a_row():
    rows = drift_tables.figure_table(STORY).rows
    assert [row[0] for row in rows] == ["0.0.1", "0.0.5 to 0.0.6 (2)", "0.0.7", "0.1.1", "0.2"]
    assert [row[1] for row in rows] == [
        "", "714,691,904", "failed", "714,206,912", "714,206,919 !",
    ]  # fmt: skip
    assert rows[0][-1] == "cannot be asked: ImportError: no <b>module</b>"
    assert rows[2][-1] == "a: NameError: x"


def test_releases_that_were_not_asked_are_named():
    assert "not asked" not in drift_documents.markdown(STORY).decode()
    listed = replace(STORY, listed=("0.0.0", *STORY.listed))
    assert "Listed, but not asked: 0.0.0." in drift_documents.markdown(listed).decode()


OTHERS = timeline(release("2.12.1", {}), release("2.15", {}), release("2.14.1", {}, residual=3))


def test_the_installed_torch_joins_what_others_said():
    """In the order of versions, in place of what was said of the same one before."""
    now = release("2.14.1", {})
    made, asked = among_others(replace(OTHERS, releases=()), OTHERS, now)
    assert [each.version for each in made.releases] == ["2.12.1", "2.14.1", "2.15"]
    assert made.releases[1] is asked is now
    alone, _ = among_others(replace(OTHERS, cases=()), OTHERS, now)
    assert alone.releases == (now,)


def test_only_the_installed_torch_can_be_asked():
    with pytest.raises(UserError, match=r"torch \S+ is installed here; ask 1\.0 in an environment"):
        installed(counters()["torch"], ["1.0"], [])
    with pytest.raises(UserError, match="no releases to compare"):
        with_releases("analytic")


def test_what_is_not_explained_is_said():
    assert drift_analysis.unexplained(STORY) == 1
    assert drift_analysis.summary(STORY) == (
        "thop: 6 releases asked of 6 listed, 4 answer; figures or terms changed at 2 releases; "
        "3 of 4 figures explained with residual 0"
    )


def test_pages_and_charts_hold_text_as_text():
    page = drift_documents.markdown(STORY).decode()
    assert "<b>" not in page
    drawn = drift_chart.chart(STORY)
    assert "no longer charges the bias of convolutions" in drawn
    assert drift_chart.chart(timeline(STORY.releases[0])).count("No figures to show") == 1
    assert "[thop](thop.md): 6 releases" in drift_documents.index([STORY]).decode()


@pytest.mark.parametrize("name", ["thop", "ultralytics-thop", "fvcore", "ptflops-pytorch"])
def test_no_label_of_a_chart_overprints_another(name):
    told = stored(name)
    values, _ = drift_chart.drawn_points(told)
    found = [{**each, "x": each["place"]} for each in drift_chart.labels(told, values)]
    made = drift_chart.placed(found, 0, len(told.releases) - 1)
    assert made
    assert all(each["start"] >= 0 and each["end"] <= drift_chart.WIDTH for each in made)
    for one, other in combinations(made, 2):
        if (one["case"], one["lane"]) == (other["case"], other["lane"]):
            assert one["end"] < other["start"] or other["end"] < one["start"]


def test_a_label_without_room_is_left_to_the_list_below():
    """Two lanes hold two labels of one place, and not three."""
    found = [{"case": "a", "x": 5, "label": name} for name in ("first", "second", "third")]
    assert [each["label"] for each in drift_chart.placed(found, 0, 10)] == ["first", "second"]
    apart = [{"case": "a", "x": x, "label": "short"} for x in (0, 3, 6, 10)]
    assert [each["lane"] for each in drift_chart.placed(apart, 0, 10)] == [0, 0, 0, 0]


@pytest.mark.parametrize("distribution, dated", [("thop", True), ("of-no-known-day", False)])
def test_a_chart_has_days_where_they_are_known(distribution, dated):
    releases = [
        release(version, {}) for version in ("0.1.0.post2206102148", "0.1.1.post2209072238")
    ]
    if not dated:
        releases = [release(version, {}) for version in ("0.1", "0.2")]
    told = replace(timeline(*releases), tool=Tool("own", distribution))
    points, by_day = drift_chart.drawn_points(told)
    assert by_day is dated
    assert [each["day"] for each in points] == (["2022-06-10", "2022-09-07"] if dated else ["", ""])


@pytest.mark.parametrize("ratios", [(2.0, None, 0.5), (2.0, 0.5)])
def test_a_figure_of_zero_stands_below_all_others_at_an_axis_that_says_so(ratios):
    """Neither left out, so that the line would run on above it, nor at a ratio that is not 0."""
    values, axis = drift_chart.on_one_scale([{"ratio": ratio} for ratio in ratios])
    told = axis.to_dict()
    places = [value["ratio"] for value in values]
    assert told["scale"]["domain"][0] == min(places) == told["axis"]["values"][0]
    assert [place for place, ratio in zip(places, ratios, strict=True) if ratio] == [2.0, 0.5]
    assert ("datum.value < 0.5 ? '0'" in told["axis"]["labelExpr"]) and (
        (min(places) < 0.5) == (None in ratios)
    )


def test_a_timeline_comes_back_equal(tmp_path):
    (tmp_path / "t.json").write_bytes(dump_timeline(STORY))
    assert load_timeline(tmp_path / "t.json") == STORY
    assert dump_timeline(STORY) == dump_timeline(STORY)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 1}', b'{"schema": 9}'])
def test_something_else_is_refused(tmp_path, content):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(UserError, match=r"t\.json"):
        load_timeline(tmp_path / "t.json")


def test_earlier_answers_are_kept_for_the_same_cases_and_torch():
    newer = replace(STORY, environment={"torch": {"version": "2.15"}})
    assert reusable(STORY, STORY) == STORY.releases
    assert reusable(None, STORY) == reusable(newer, STORY) == ()
    assert reusable(STORY, replace(STORY, cases=a_suite("b").cases)) == ()


# ------------------------------------------------------------------------------- what was found


def stored(name: str) -> Timeline:
    home = suite.home().parent / "results" / "drift" / f"{name}{store.TIMELINE_SUFFIX}"
    return store.load_timeline(home)


def said_of(timeline: Timeline, case: str, value: int) -> list[str]:
    return [r.version for r in timeline.releases
            if any(e.said == value for c, e in drift_analysis.entries(r).items() if c == case)]  # fmt: skip


def test_the_figures_of_seed_001_are_on_the_timelines():
    """thop charged the bias from April 2020 to June 2022; ptflops charged activations once."""
    thop = said_of(stored("thop"), "alexnet", ALEXNET + BIAS + POOL)
    assert thop[0] == "0.0.31.post2004101309"
    assert thop[-1] == "0.0.5.post2206100352"
    ptflops = said_of(stored("ptflops-pytorch"), "alexnet", 715_561_896)
    assert (ptflops[0], ptflops[-1]) == ("0.6.4", "0.7")
    # conv1: 64 x 55 x 55 outputs, 3 x 11 x 11 products each and the bias.
    assert round(100 * 64 * 55 * 55 * (3 * 11 * 11 + 1) / 715_561_896, 3) == 9.848


def test_torch_s_own_counter_says_the_same_in_every_release_that_was_asked():
    asked = {each.version for each in stored("torch").releases}
    assert len(asked) >= 2
    assert list(drift_analysis.changes(stored("torch"))) == []
    assert set(said_of(stored("torch"), "alexnet", 2 * ALEXNET)) == asked


@pytest.mark.parametrize("name", [
    "thop", "ultralytics-thop", "ptflops-pytorch", "torchinfo", "fvcore", "torchprofile", "calflops",
    "torch",
])  # fmt: skip
def test_every_stored_figure_is_explained_by_the_rules_of_its_version(name):
    assert drift_analysis.unexplained(stored(name)) == 0
