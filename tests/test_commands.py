"""Every command as a user types it, at three widths: nothing is cut, and the data says the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from commands import Ended, results_of, typed, typed_apart, typed_on_a_terminal
from flop_harness.report.documents.json_documents import SCHEMAS
from runs import small_run

NET = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a_convolution_with_a_long_name = nn.Conv2d(3, width, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.norm(self.a_convolution_with_a_long_name(x))

def make(width):
    net = nn.Sequential(Block(width), nn.Flatten(), nn.Linear(width * 28 * 28, 10))
    net[2].bias.requires_grad = False
    return net.eval()

def net():
    return make(40), (torch.rand(2, 3, 30, 30),)

def wide():
    return make(80), (torch.rand(2, 3, 30, 30),)

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(50, 64), nn.Linear(64, 50)

    def forward(self, ids):
        return self.head(self.table(ids))
"""
CONV, LINEAR = 2 * 40 * 28 * 28 * 27, 2 * 40 * 28 * 28 * 10
TOLD = CONV + LINEAR + 4 * 2 * 40 * 28 * 28
"""What thop says of ``net``: batch normalisation is four for each output"""
SUITE = """
name = "mine"
version = 1

[[case]]
id = "net"
model = "my.py:net"
counters = ["thop"]
"""
CLAIMS = f"""
[[claim]]
id = "ours"
model = "my.py:net"
source = "a page"
value = {CONV + LINEAR}
unit = "MACs"

[[claim]]
id = "thop's"
model = "my.py:net"
source = "another page"
value = {TOLD}
unit = "FLOPs"
"""
TWO, BY = ("my.py:net", "my.py:wide"), ("--counters", "thop,fvcore")
BRIEF = ("--budget", "0.1", "--samples", "2", "--sessions", "1", "--no-details", "--anyway")
RATE = ("--model", "llama3-8b", "--tokens-per-second", "10000", "--peak", "H100-bf16")


class Typed(NamedTuple):
    """A command, the schema of its data, keys of it that no table shows, and its exit code."""

    words: tuple[str, ...]
    schema: str = ""
    unshown: tuple[str, ...] = ()
    code: int = 0


def row(line: str, *more: str, schema: str = "", unshown: str = "", code: int = 0) -> Typed:
    return Typed((*line.split(), *more), schema, tuple(unshown.split()), code)


COMMANDS = {
    "compare a model": row("compare my.py:net", *BY, schema="compare", unshown="bridges peak_bytes"),
    "compare two": row("compare", *TWO, *BY, schema="compare", unshown="readings bridges"),
    "compare at sizes": row("compare my.py:net --sweep batch=1,4", *BY, schema="compare",
                            unshown="readings bridges"),
    "compare, strictly": row("compare my.py:net --strict --exact", *BY),
    "compare a suite": row("compare mine.toml --no-timing --fresh", schema="compare",
                           unshown="bridges peak_bytes model"),
    "explain a model": row("explain my.py:net thop", schema="explain", unshown="modules"),
    "explain a case": row("explain vgg16 thop --dir results/small", schema="explain",
                          unshown="modules"),
    "explain to the modules": row("explain my.py:net thop --depth 4", schema="explain"),
    "check what stands": row("check mine.toml", schema="check"),
    "check what changed": row("check moved.toml", schema="check", code=1),
    "convert": row(f"convert {TOLD} --from thop --model my.py:net", schema="convert"),
    "convert in short": row(f"convert {TOLD / 1e6:.1f}M --from thop --model my.py:net",
                            schema="convert"),
    "convert as it is printed": row("convert", f"{TOLD / 1e9:.3f} GFLOPs", "--from", "THOP",
                                    "--to", "FlopCounterMode", "--model", "my.py:net",
                                    schema="convert"),
    "convert parameters": row("convert 314,770 --from thop --model my.py:net", schema="convert"),
    "convert a bare figure": row(f"convert {TOLD / 1e9:.3f} --from thop --model my.py:net",
                                 schema="convert"),
    "report": row("report small --format csv"),
    "claims": row("claims told.toml --fresh", schema="claims"),
    "count": row("count my.py:net", schema="count"),
    "count by module": row("count my.py:net --by module --depth 1", schema="count"),
    "count to a depth": row("count my.py:net --depth 1", schema="count"),
    "count by operator": row("count my.py:net --by module,operator", schema="count"),
    "count by a counter's rules": row("count my.py:net --convention thop", schema="count"),
    "count in bfloat16": row("count my.py:net --dtype bfloat16 --convention bytes",
                             schema="count"),
    "count on integers": row("count my.py:Text --input ids:1x128:int64", schema="count"),
    "count on a named input": row("count my.py:Text --input ids=2x16:int64", schema="count"),
    "count by class": row("count my.py:net --by class", schema="count"),
    "count two": row("count", *TWO, schema="counts"),
    "count at sizes": row("count my.py:net --sweep batch=1,8,32", schema="counts"),
    "count at resolutions": row("count torchvision:squeezenet1_1 --sweep resolution=64,128",
                                schema="counts"),
    "count at lengths": row("count my.py:Text --input ids:1x8:int64 --sweep length=8,16",
                            schema="counts"),
    "layers": row("layers my.py:net", schema="layers", unshown="weights"),
    "layers to a depth": row("layers my.py:net --depth 1", schema="layers", unshown="weights"),
    "layers, the largest": row("layers my.py:net --sort parameters --top 1", schema="layers",
                               unshown="weights"),
    "layers of a class": row("layers my.py:net --only Linear", schema="layers", unshown="weights"),
    "layers of a model that is not called": row("layers my.py:Text --parameters", schema="layers",
                                                unshown="weights"),
    "layers by counters": row("layers my.py:net --counters thop,ptflops", schema="layers",
                              unshown="weights"),
    "time two": row("time", *TWO, *BRIEF, schema="time"),
    "formulas": row("formulas llama3-8b", schema="formulas", unshown="shape formulas phases memory"),
    "formulas by version": row("formulas llama3-8b --drift", schema="formulas --drift",
                               unshown="shape versions"),
    "mfu, a small one": row("mfu --model llama3-8b --tokens-per-second 1 --peak H100-bf16",
                            schema="mfu", unshown="shape peak utilisation"),
    "mfu": row("mfu", *RATE, schema="mfu", unshown="shape peak utilisation"),
    "verify": row("verify my.py:net", schema="verify"),
    "list": row("list", schema="list"),
    "list suites": row("list suites", schema="list"),
    "list cases": row("list cases --suite seeds", schema="list"),
    "list counters": row("list counters", schema="list"),
    "list conventions": row("list conventions", schema="list"),
    "list claims": row("list claims", schema="list"),
    "list models": row("list models torchvision --filter vit_?_16", schema="list"),
    "list formulas": row("list formulas", schema="list"),
    "list shapes": row("list shapes", schema="list"),
    "list peaks": row("list peaks", schema="list"),
}  # fmt: skip
COPIED = ("  flop-harness ", "report: ", "tables for a paper or a README: ")
"""How lines begin that are copied, and stay whole however narrow"""
DIFFERENT_EACH_TIME = ("time two",)
LONG = ("time two",)


@pytest.fixture(scope="module", autouse=True)
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a user's, with models, a suite and results."""
    folder = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "my.py").write_text(NET)
        (folder / "mine.toml").write_text(SUITE)
        (folder / "moved.toml").write_text(SUITE.replace("mine", "moved"))
        (folder / "told.toml").write_text(CLAIMS)
        results_of(small_run(), folder / "results" / "small")
        assert typed("compare", "mine.toml", "--no-timing").code == 0
        (folder / "my.py").write_text(NET.replace("* 28, 10)", "* 28, 12)"))
        assert typed("compare", "moved.toml", "--no-timing").code == 0
        (folder / "my.py").write_text(NET)
        yield folder


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in COMMANDS],
)
def test_a_command_says_the_same_at_every_width(name: str, monkeypatch: pytest.MonkeyPatch):
    command = COMMANDS[name]
    data = document(command)
    for width in (60, 80, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        ended = typed(*command.words)
        assert ended.code == command.code, ended.err
        fits(ended, width)
        shown = ended.out if name not in DIFFERENT_EACH_TIME else ""
        missing = {value for value in integers(data) if shown and not stands(value, shown)}
        assert missing == set(), shown
        assert [word for word in names(data) if word not in squeezed(ended.out)] == []


ESCAPE = "\x1b"
COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3\d|4\d|9\d|10[0-7])(?:;[\d;]*)?m")
DRAWN = ("compare", "my.py:net", "--counters", "thop")
"""With a table, bold heads, dim notes and a bar that follows the run"""


def test_what_is_no_screen_gets_no_escape_codes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    dumb, piped = typed_on_a_terminal(*DRAWN, TERM="dumb"), typed_apart(*DRAWN)
    assert ESCAPE not in dumb + piped.out + piped.err
    assert f"{TOLD:,}" in dumb and f"{TOLD:,}" in piped.out


def test_a_terminal_gets_styles_and_with_no_color_none_that_are_colours():
    words = ("explain", "my.py:net", "thop")
    plain, coloured = (typed_on_a_terminal(*words, TERM="xterm-256color", COLUMNS="120", NO_COLOR=set_to)
                       for set_to in ("1", ""))  # fmt: skip
    assert ESCAPE in plain and COLOUR.search(plain) is None
    assert COLOUR.search(coloured)


@pytest.mark.parametrize("backwards", [False, True])
def test_claims_stand_in_the_order_of_their_file(here: Path, backwards: bool):
    (here / "ordered.toml").write_text("".join(
        f"[[claim]]\n{each}" for each in CLAIMS.split("[[claim]]\n")[1:][:: -1 if backwards else 1]
    ))  # fmt: skip
    rows = json.loads(typed("claims", "ordered.toml", "--json").out)["rows"]
    names = [each["claim"].rpartition("/")[2] for each in rows]
    assert names == (["thop's", "ours"] if backwards else ["ours", "thop's"])
    shown = typed("claims", "ordered.toml").out
    assert shown.index(f"/{names[0]}") < shown.index(f"/{names[1]}")


def document(command: Typed) -> Any:
    """The data of a command, which has the documented keys, without what no table shows."""
    if not command.schema:
        return {}
    ended = typed(*command.words, "--json")
    assert ended.code == command.code, ended.err
    told = json.loads(ended.out)
    known = {key.name for key in SCHEMAS[command.schema]}
    assert told["schema"].rpartition("/")[0] == command.schema
    assert {"by_term" if key.startswith("by_") else key for key in told} == known
    told.pop("verdict", None)
    return without(told, command.unshown)


def without(value: Any, keys: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: without(each, keys) for key, each in value.items() if key not in keys}
    return [without(each, keys) for each in value] if isinstance(value, list) else value


def fits(ended: Ended, width: int) -> None:
    """No line is wider than the terminal, and nothing ends in an ellipsis."""
    assert "…" not in ended.out
    lines = [line for line in ended.out.splitlines() if not line.startswith(COPIED)]
    assert [line for line in lines if len(line) > width] == []


def integers(value: Any) -> Iterator[int]:
    """Every integer of four digits and more of a document."""
    if isinstance(value, dict):
        for each in value.values():
            yield from integers(each)
    elif isinstance(value, list):
        for each in value:
            yield from integers(each)
    elif type(value) is int and abs(value) >= 1000:
        yield abs(value)


def stands(value: int, text: str) -> bool:
    return re.search(rf"(?<![\d,]){value:,}(?![\d,])", text) is not None


NAMED = ("case", "model", "counter", "convention", "claims", "suite")


def names(value: Any) -> Iterator[str]:
    """Names of models, counters and so on in a document, without blanks: a cell wraps at them."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in NAMED and isinstance(each, str):
                yield squeezed(each)
            yield from names(each)
    elif isinstance(value, list):
        for each in value:
            yield from names(each)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)
