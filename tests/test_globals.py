"""Models whose code keeps tensors outside the model: each pass finds what the first would find."""

from __future__ import annotations

import functools
import importlib
import random
import sys
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import flop_harness as harness
from flop_harness.counters.overlay import folder_of
from flop_harness.records import Case, Input
from flop_harness.suite.build import build
from flop_harness.suite.globals import Globals, code_of, globals_kept, holds_tensor
from flop_harness.suite.sources import is_own

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS, WIDTH = 6, 8
TABLE = ROWS * WIDTH * WIDTH
"""MACs of the table that is made once, which are those of the layer on one sample too"""
TABLES: dict[int, torch.Tensor] = {}
MADE: list[torch.Tensor] = []
RECENT: deque[torch.Tensor] = deque(maxlen=2)
NESTED: dict[str, dict[int, torch.Tensor]] = {"tables": {}}
LAST: torch.Tensor | None = None


class Keeper:
    """An object of which a file makes one."""

    def __init__(self) -> None:
        self.tables: dict[int, torch.Tensor] = {}
        self.last: torch.Tensor | None = None


KEEPER = Keeper()


class Net(nn.Module):
    """A layer, and a table of its weights by ``rows`` that the first call makes."""

    kept: ClassVar[dict[int, torch.Tensor]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)

    def made(self, rows: int, like: torch.Tensor) -> torch.Tensor:
        return torch.ones(rows, WIDTH, device=like.device) @ torch.ones(
            WIDTH, WIDTH, device=like.device
        )

    def forward(self, x):
        return self.layer(x + self.table(x.shape[1], x))


class InModule(Net):
    def table(self, rows, x):
        if rows not in TABLES:
            TABLES[rows] = self.made(rows, x)
        return TABLES[rows]


class InClass(Net):
    def table(self, rows, x):
        if rows not in Net.kept:
            Net.kept[rows] = self.made(rows, x)
        return Net.kept[rows]


class AsAttribute(Net):
    def table(self, rows, x):
        if not hasattr(AsAttribute, "only"):
            AsAttribute.only = self.made(rows, x)
        return AsAttribute.only


class InList(Net):
    def table(self, rows, x):
        if not MADE:
            MADE.append(self.made(rows, x))
        return MADE[0]


class InQueue(Net):
    def table(self, rows, x):
        if not RECENT:
            RECENT.append(self.made(rows, x))
        return RECENT[0]


class Nested(Net):
    def table(self, rows, x):
        tables = NESTED["tables"]
        if rows not in tables:
            tables[rows] = self.made(rows, x)
        return tables[rows]


class ByName(Net):
    def table(self, rows, x):
        global LAST
        if LAST is None:
            LAST = self.made(rows, x)
        return LAST


class InObject(Net):
    def table(self, rows, x):
        if rows not in KEEPER.tables:
            KEEPER.tables[rows] = self.made(rows, x)
        return KEEPER.tables[rows]


class OnObject(Net):
    def table(self, rows, x):
        if KEEPER.last is None:
            KEEPER.last = self.made(rows, x)
        return KEEPER.last


class ByDefault(Net):
    def table(self, rows, x, tables={}):  # noqa: B006 - as people write a cache
        if rows not in tables:
            tables[rows] = self.made(rows, x)
        return tables[rows]


@functools.lru_cache
def remembered(rows: int, device: torch.device) -> torch.Tensor:
    return torch.ones(rows, WIDTH, device=device) @ torch.ones(WIDTH, WIDTH, device=device)


class Remembered(Net):
    def table(self, rows, x):
        return remembered(rows, x.device)


class RememberedByMethod(Net):
    @staticmethod
    @functools.cache
    def table(rows, x):
        return torch.ones(rows, WIDTH, device="cpu") @ torch.ones(WIDTH, WIDTH, device="cpu")

    def forward(self, x):
        return self.layer(x + self.table(x.shape[1], None).to(x.device))


def enclosed() -> nn.Module:
    tables: dict[int, torch.Tensor] = {}

    class Enclosed(Net):
        def table(self, rows, x):
            if rows not in tables:
                tables[rows] = self.made(rows, x)
            return tables[rows]

    return Enclosed()


def by_attribute(self, rows, x):
    if not hasattr(by_attribute, "table"):
        by_attribute.table = self.made(rows, x)
    return by_attribute.table


class OfFunction(Net):
    table = by_attribute


WAYS = [
    InModule, InClass, AsAttribute, InList, InQueue, Nested, ByName, InObject, OnObject, ByDefault,
    Remembered, RememberedByMethod, enclosed, OfFunction,
]  # fmt: skip


@pytest.mark.parametrize("make", WAYS, ids=lambda make: make.__name__)
def test_a_table_is_made_in_each_pass_and_never_kept(make):
    """For each sample a layer of 6 x 8 x 8, and the table once."""
    model, x = make(), torch.rand(2, ROWS, WIDTH)
    for _ in range(2):
        assert harness.count(model, x).macs == 2 * TABLE + TABLE
    with globals_kept(model):
        assert model(x).device.type == "cpu"  # for real: nothing on meta is left


@pytest.mark.parametrize("make", [InModule, Remembered], ids=lambda make: make.__name__)
def test_counters_find_what_the_first_pass_finds(make):
    model, x = make(), torch.rand(2, ROWS, WIDTH)
    run = harness.compare(model, x, counters=("thop", "fvcore", "torch", "calflops")).run
    assert {reading.status for reading in run.readings} == {"ok"}
    assert all(bridge.explained for bridge in run.bridges)
    said = {(r.counter, r.value) for r in run.readings if r.metric == "compute"}
    assert {("thop", 2 * TABLE), ("fvcore", 3 * TABLE), ("torch", 2 * 3 * TABLE)} <= said


def test_what_was_there_before_stays():
    model, x = InModule(), torch.rand(2, ROWS, WIDTH)
    try:
        model(x)
        real = TABLES[ROWS]
        assert harness.count(model, x).macs == 2 * TABLE
        assert TABLES[ROWS] is real
    finally:
        TABLES.clear()


MASKED = """
import functools
import torch
from torch import nn

@functools.lru_cache
def mask(rows):
    return torch.ones(rows, rows).tril()

class Masked(nn.Module):
    tables = {}
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", mask(6))
        Masked.tables[6] = torch.rand(6, 8)
    def forward(self, x):
        return self.mask @ x @ self.tables[6].t()
"""


def test_a_model_on_meta_leaves_nothing_to_the_next_one(tmp_path):
    """Its buffer comes from a function that remembers it; its class keeps what its constructor made."""
    (tmp_path / "masked.py").write_text(MASKED)
    case = Case("masked", "masked.py:Masked", (Input((2, 6, 8)),))
    on_meta = build(case, device="meta", folder=str(tmp_path))
    assert on_meta.on_meta and type(on_meta.module).tables[6].is_meta
    built = build(case, folder=str(tmp_path))
    assert not built.on_meta and not type(built.module).tables[6].is_meta
    assert built.module(*built.args).shape == (2, 6, 6)


AFAR = """
import torch
TABLES = {}

class Keeper:
    def table(self, x):
        if 6 not in TABLES:
            TABLES[6] = torch.ones(6, 8, device=x.device) @ torch.ones(8, 8, device=x.device)
        return TABLES[6]

def hook(layer, args, out):
    return out + Keeper().table(out)
"""
NEAR = """
from torch import nn

class ImportsLate(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
    def forward(self, x):
        from tables_afar import Keeper
        return self.layer(x + Keeper().table(x))

class Holds(nn.Module):
    def __init__(self, keeper=None):
        super().__init__()
        self.layer, self.keeper = nn.Linear(8, 8), keeper
    def forward(self, x):
        return self.layer(x + self.keeper.table(x))
"""


def holding(near, afar):
    return near.Holds(afar.Keeper())


def hooked(near, afar):
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH))
    model[0].register_forward_hook(afar.hook)
    return model


def patched(near, afar):
    model = nn.Linear(WIDTH, WIDTH)
    plain = model.forward
    model.forward = lambda x: afar.hook(model, (x,), plain(x))
    return model


@pytest.mark.parametrize("make", [lambda near, _: near.ImportsLate(), holding, hooked, patched],
                         ids=["imports late", "holds", "hooked", "patched"])  # fmt: skip
def test_tables_are_found_in_whatever_module_the_code_reaches(make, tmp_path, monkeypatch):
    (tmp_path / "tables_afar.py").write_text(AFAR)
    (tmp_path / "tables_near.py").write_text(NEAR)
    monkeypatch.syspath_prepend(tmp_path)
    near, afar = (importlib.import_module(f"tables_{where}") for where in ("near", "afar"))
    try:
        model, x = make(near, afar), torch.rand(2, ROWS, WIDTH)
        assert [harness.count(model, x).macs for _ in range(2)] == [3 * TABLE] * 2
        assert afar.TABLES == {}
    finally:
        del sys.modules["tables_near"], sys.modules["tables_afar"]


PASSES = 0
SEEN: list[str] = []


class Counting(nn.Module):
    """Its first call is cheap, and looks at a value: the pass is made anew then."""

    passes = 0

    def __init__(self, count):
        super().__init__()
        self.count = count
        self.small, self.large = nn.Linear(WIDTH, 2), nn.Linear(WIDTH, 50)

    def forward(self, x):
        first = self.count() == 1
        y = (self.small if first else self.large)(x)
        return y if y.sum() < 1e9 else -y


def in_a_global():
    global PASSES
    PASSES += 1
    return PASSES


def in_the_class():
    Counting.passes += 1
    return Counting.passes


def in_a_list():
    SEEN.append("called")
    return len(SEEN)


def in_an_attribute_of_the_function():
    own = vars(in_an_attribute_of_the_function)
    own["passes"] = own.get("passes", 0) + 1
    return own["passes"]


@pytest.mark.parametrize(
    "count", [in_a_global, in_the_class, in_a_list, in_an_attribute_of_the_function]
)
def test_every_pass_is_the_first(count):
    model, x = Counting(count), torch.rand(ROWS, WIDTH)
    assert [harness.count(model, x).macs for _ in range(2)] == [ROWS * WIDTH * 2] * 2
    assert (PASSES, Counting.passes, SEEN) == (0, 0, [])


OF_PYTHON, OF_NUMPY = random.Random(3), np.random.default_rng(3)
OF_OLD_NUMPY, OF_TORCH = np.random.RandomState(3), torch.Generator().manual_seed(3)


class Drawing(nn.Module):
    """As many layers as a generator of its file says, and a look at a value."""

    def __init__(self, draw):
        super().__init__()
        self.draw = draw
        self.layer = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        for _ in range(self.draw()):
            x = self.layer(x)
        return x if x.sum() < 1e9 else -x


@pytest.mark.parametrize(
    "draw",
    [
        lambda: OF_PYTHON.randrange(1000),
        lambda: int(OF_NUMPY.integers(1000)),
        lambda: OF_OLD_NUMPY.randint(1000),
        lambda: int(torch.randint(1000, (), generator=OF_TORCH)),
    ],
    ids=["random", "numpy", "older numpy", "torch"],
)
def test_generators_of_the_file_draw_the_same_in_every_pass(draw):
    model, x = Drawing(draw), torch.rand(ROWS, WIDTH)
    figures = [harness.count(model, x).macs for _ in range(2)]
    assert figures == [ROWS * WIDTH * WIDTH * draw()] * 2


class Lazy(dict):
    """As libraries keep their models: each is imported when one looks."""

    def _asked(self, *args):
        raise ValueError("could not find it")

    values = items = keys = __iter__ = __len__ = _asked
    __class__ = property(_asked)


REGISTRY = Lazy()


def test_things_that_act_when_they_are_looked_at_are_left_alone(monkeypatch):
    """Also where they come to lie in the user's code while a pass runs."""
    model, x = InModule(), torch.rand(2, ROWS, WIDTH)
    with globals_kept(model):
        monkeypatch.setitem(NESTED, "lazy", Lazy())
    assert harness.count(model, x).macs == 3 * TABLE
    with pytest.raises(ValueError, match="could not find it"):
        len(REGISTRY)


def test_modules_that_the_code_does_not_reach_are_left_alone():
    kept = {id(place) for place, _ in Globals(code_of(nn.Linear(2, 2))).places}
    assert id(sys.modules[__name__]) not in kept
    assert id(TABLES) in {id(place) for place, _ in Globals(code_of(InModule())).places}


def test_a_tool_in_the_cache_is_no_code_of_the_users(tmp_path, monkeypatch):
    """Some of them import more of themselves when they are looked through."""
    monkeypatch.setenv("FLOP_HARNESS_CACHE", str(tmp_path))
    file = folder_of(("calflops==0.3.2",)) / "calflops.py"
    file.parent.mkdir(parents=True)
    for each in (file, tmp_path / "mine.py"):
        each.touch()
    assert is_own(str(tmp_path / "mine.py")) and not is_own(str(file))


@dataclass
class Pair:
    first: object
    second: object


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        (torch.ones(2), True), ([1, {"a": (torch.ones(1),)}], True), (Pair(1, torch.ones(1)), True),
        (nn.Linear(2, 2), True), ([1, "a", None], False), (Pair(1, 2), False), (nn.Linear, False),
    ],
)  # fmt: skip
def test_tensors_are_found_in_items_and_attributes(value, holds):
    assert holds_tensor(value) == holds
