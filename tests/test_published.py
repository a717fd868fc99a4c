"""Conventions of parts and of earlier tools, by arithmetic from the dimensions of a small network."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.counters import counters
from flop_harness.counters.versions.catalogue import CATALOGUE, EDITIONS, PUBLISHED, family
from flop_harness.records import Trace
from flop_harness.trace.recorder import record

BATCH, SIDE, HALF = 2, 8, 4
MAP, SMALL = SIDE * SIDE, HALF * HALF
CONV, GROUPED, FC = 4 * 3 * 9, 6 * 2 * 9, 6 * 5  # weights


@pytest.fixture(scope="module")
def trace() -> Trace:
    shared = nn.ReLU()
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), shared,
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1, groups=2, bias=False), shared,
        nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5),
    ).eval()  # fmt: skip
    return record(net, (torch.rand(BATCH, 3, SIDE, SIDE),))


PRODUCTS = BATCH * (CONV * MAP + GROUPED * SMALL)
BIAS = BATCH * 4 * MAP
LINEAR = BATCH * FC
NORM = BATCH * 4 * MAP  # elements, as are those of the first activation
SECOND = BATCH * 6 * SMALL  # elements of the second activation
AVERAGE = BATCH * 6 * 4  # outputs of a window of 2 x 2
ADAPTIVE = BATCH * 6 * (4 + 1)

EXPECTED = {
    "conv-macs": PRODUCTS,
    "fvcore-activations": BATCH * (4 * MAP + 6 * SMALL + 5),
    "weights": CONV + GROUPED + FC,
    "params-folded": CONV + 4 + GROUPED + FC + 5,
    "thop-0.0.31": PRODUCTS + BIAS + LINEAR + 2 * NORM + AVERAGE + ADAPTIVE,
    # a kernel size that is one number counts as its side
    "thop-0.0.30": PRODUCTS + BIAS + BATCH * 5 * (6 + 5) + 4 * NORM + 3 * AVERAGE + ADAPTIVE,
    "thop-0.0.23": PRODUCTS + 3 * BIAS + BATCH * 5 * (6 + 5) + 4 * NORM + 3 * AVERAGE + ADAPTIVE
    + SECOND,  # of a layer that is called twice the last call
    "thop-0.0.22": PRODUCTS + 3 * BIAS + BATCH * 5 * (6 + 5) + 4 * NORM + 3 * AVERAGE + ADAPTIVE
    + SECOND + 2 * BATCH * 4 * SMALL,
    "ptflops-0.6": (PRODUCTS + BIAS + LINEAR + 5 + 2 * NORM + NORM + SECOND + NORM + SECOND
                    + BATCH * 6 * 4) // BATCH,
    "torchinfo-0.0.8": CONV * MAP + 4 + GROUPED * SMALL + FC,
    "torchinfo-0.0.9": PRODUCTS + BATCH * 4 + LINEAR,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_is_charged_follows_from_the_dimensions(trace, name):
    assert PUBLISHED[name].price(trace).total == EXPECTED[name]


def test_a_container_s_weights_count_for_the_first_torchinfo():
    net = nn.Sequential(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5)))
    trace = record(net, (torch.rand(2, 3),))
    rows = 3 * 4 + 4 * 5
    assert PUBLISHED["torchinfo-0.0.8"].price(trace).total == rows + rows
    assert PUBLISHED["torchinfo-0.0.9"].price(trace).total == 2 * rows + 2 * 5 * rows


def test_editions_are_of_tools_that_there_are():
    tools = {counter.distribution for counter in counters().values()}
    assert tools >= set(EDITIONS)
    assert {name for names in EDITIONS.values() for name in names} <= set(PUBLISHED)


def test_no_convention_has_two_meanings():
    assert len(CATALOGUE) == len(CONVENTIONS) + len(PUBLISHED)
    assert all(convention.source for convention in CATALOGUE.values())


def test_every_convention_prices_it_or_says_why_not(trace):
    for convention in CATALOGUE.values():
        try:
            assert convention.price(trace).total >= 0
        except NotApplicable as error:
            assert str(error)


def test_what_only_differs_in_detail_is_of_one_family():
    assert family("macs") == family("torch (cpu grad)") != family("thop")
    assert family("mine") == "mine"
