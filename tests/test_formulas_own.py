"""A formula of the user's own: in the model's file, or by entry point; it holds wherever a trace is priced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import typed
from flop_harness import formulas, store
from flop_harness.conventions.products import unsupported
from flop_harness.conventions.reference import reference
from flop_harness.errors import UserError
from flop_harness.formulas import own, product_of
from flop_harness.records import Call, Case, Tensor
from flop_harness.records.work import Product, Work
from flop_harness.store.traces import dump_trace, load_trace
from flop_harness.suite.build import build
from flop_harness.trace.recorder import record

MODEL = """
import torch
from torch import nn

@torch.library.custom_op("{name}::product", mutates_args=())
def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(a.detach().numpy() @ b.detach().numpy())

@product.register_fake
def _(a, b):
    return a.new_empty(a.shape[0], b.shape[1])

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Parameter(torch.randn(8, 5))

    def forward(self, x):
        return product(self.first(x), self.second)

def make():
    return Own(), (torch.randn(7, 8),), {{}}
"""
FORMULA = """
from flop_harness.formulas import formula, product_of

@formula("{name}::product")
def multiplications(call):
    a, b = call.args
    return product_of(a.shape[0], a.shape[1], b.shape[1])
"""
FIRST, SECOND = 7 * 8 * 8, 7 * 8 * 5


@pytest.fixture(autouse=True)
def none_registered(monkeypatch):
    monkeypatch.setattr(own, "OWN", {})


@pytest.fixture
def model(tmp_path, request):
    """A reference to a model with an operator of its own name, whose formula stands beside it."""
    name = "own_" + "".join(filter(str.isalnum, request.node.name))
    file = tmp_path / "net.py"
    file.write_text((MODEL + FORMULA).format(name=name))
    return f"{file}:make"


def trace_of(reference: str):
    built = build(Case("own", reference))
    return record(built.module, built.args, built.kwargs)


def test_it_holds_for_a_count(model):
    assert reference(trace_of(model)).total == FIRST + SECOND
    assert f"{FIRST + SECOND}" in typed("count", model).out


def test_without_it_the_operator_is_named(tmp_path):
    file = tmp_path / "bare.py"
    file.write_text(MODEL.format(name="own_bare"))
    trace = trace_of(f"{file}:make")
    assert reference(trace).total == FIRST
    assert unsupported(trace) == {"own_bare.product": 1}


def test_a_stored_trace_is_priced_without_it(model, monkeypatch):
    content = dump_trace(trace_of(model))
    monkeypatch.setattr(own, "OWN", {})
    loaded = load_trace(content)
    assert reference(loaded).total == FIRST + SECOND
    assert unsupported(loaded) == {}
    assert dump_trace(loaded) == content


def test_it_holds_in_worker_processes(model, tmp_path):
    """The reference has it, and so has the explanation of a counter that does not see it."""
    out = tmp_path / "out"
    ended = typed("compare", model, "--out", out, "--no-timing", "--counters", "analytic,torch")
    assert ended.code == 0, ended.err
    run = store.load(out)
    assert [sum(each.compute.values()) for each in run.references] == [FIRST + SECOND]
    assert {bridge.residual for bridge in run.bridges} == {0}
    assert not run.unsupported


def test_a_proof_says_whose_it_is(model, tmp_path):
    ended = typed("verify", model, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "its formula is the user's own" in ended.out


# ------------------------------------------------------------------------------- registration


@pytest.mark.parametrize("name", ["mine::mm", "mine.mm"])
def test_ways_to_name_an_operator(name):
    formulas.formula(name)(lambda call: 12)
    assert list(own.OWN) == ["mine.mm"]


def test_an_operator_itself_is_a_name(model):
    import torch

    module = build(Case("own", model)).module
    (name,) = own.OWN
    own.OWN.clear()
    space, _, operator = name.partition(".")
    packet = getattr(getattr(torch.ops, space), operator)
    for each in (packet, packet.default):
        formulas.formula(each)(multiplications)
    assert list(own.OWN) == [name] and module is not None


def multiplications(call):
    return 1


def test_what_is_no_operator_is_refused():
    with pytest.raises(UserError, match="'mylib::mm', not for 'mm'"):
        formulas.formula("mm")(multiplications)


def test_a_second_one_names_both():
    formulas.formula("mine::mm")(multiplications)
    with pytest.raises(UserError, match=r"mine\.mm has two formulas: multiplications .*lambda"):
        formulas.formula("mine::mm")(lambda call: 2)


def test_a_second_one_beside_ours_names_both():
    with pytest.raises(UserError, match=r"aten\.mm has two formulas: mm .*multiplications"):
        formulas.formula("aten::mm")(multiplications)


def test_the_same_file_loaded_again_replaces_its_own():
    for _ in range(2):
        formulas.formula("mine::mm")(multiplications)
    assert {"mine.mm": multiplications} == own.OWN


# ------------------------------------------------------------------------------- what it says

CALL = Call("operator", "mine.mm.default", (Tensor((2, 3)), Tensor((3, 4))), (), Tensor((2, 4)))


@pytest.mark.parametrize(
    ("said", "work"),
    [
        (24, Work((Product(24, 8),))),
        (product_of(2, 3, 4), Work((Product(24, 8),))),
        (Work((), "element-wise", additions=8), Work((), "element-wise", additions=8)),
        (None, None),
    ],
)
def test_what_a_formula_may_say(said, work):
    formulas.formula("mine::mm")(lambda call: said)
    assert own.own_work(CALL) == work


@pytest.mark.parametrize("said", ["24", 2.5, -1, True, [24]])
def test_what_it_may_not(said):
    formulas.formula("mine::mm")(lambda call: said)
    with pytest.raises(UserError, match=r"of mine\.mm gave"):
        own.own_work(CALL)


def test_one_that_raises_is_told_in_a_line():
    formulas.formula("mine::mm")(lambda call: call.args[9])
    with pytest.raises(UserError, match=r"of mine\.mm raised IndexError"):
        own.own_work(CALL)


# ------------------------------------------------------------------------------- entry points


def installed(folder: Path, value: str) -> None:
    """A package that brings a formula, as pip leaves it."""
    home = folder / "bringer-1.0.dist-info"
    home.mkdir()
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: bringer\nVersion: 1.0\n")
    (home / "entry_points.txt").write_text(f"[flop_harness.formulas]\nproduct = {value}\n")


def counted(folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), *sys.path])
    return subprocess.run(
        [sys.executable, "-m", "flop_harness", "count", "bare.py:make", "--json"], cwd=folder,
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("value", ["bringer", "bringer:multiplications"])
def test_an_installed_package_brings_one(tmp_path, value):
    (tmp_path / "bare.py").write_text(MODEL.format(name="own_entry"))
    (tmp_path / "bringer.py").write_text(FORMULA.format(name="own_entry"))
    installed(tmp_path, value)
    done = counted(tmp_path)
    assert f'"total": {FIRST + SECOND}' in done.stdout, done.stderr


def test_a_package_that_cannot_be_loaded_is_named(tmp_path):
    (tmp_path / "bare.py").write_text(MODEL.format(name="own_broken"))
    (tmp_path / "bringer.py").write_text("1 / 0\n")
    installed(tmp_path, "bringer")
    done = counted(tmp_path)
    assert done.returncode == 2
    assert "entry point product of bringer raised ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr
