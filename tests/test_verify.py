"""A suite proven by execution: every formula, planted errors, and what is written and told."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torchvision.ops import roi_align

from flop_harness import cli, store
from flop_harness.cli.verify import exit_code
from flop_harness.conventions.products import works
from flop_harness.errors import UserError
from flop_harness.formulas import FORMULAS
from flop_harness.proof import kept, verification
from flop_harness.proof import operation as proving
from flop_harness.proof.kept import journal_in, lasts
from flop_harness.proof.operation import Operation, attempt, prove
from flop_harness.proof.oracle import ALGORITHMS
from flop_harness.proof.oracle.reasons import REASONS
from flop_harness.proof.probe import PROBES
from flop_harness.proof.verification import kernels_differ, known_traces, verify
from flop_harness.records import Call, Case, Failure, Input, Proof, Proofs, Run, Suite, Tensor
from flop_harness.records.work import FREE, Product, Work
from flop_harness.report import PAGES, write
from flop_harness.report.analysis import proofs as proofs_analysis
from flop_harness.report.documents import files
from flop_harness.report.tables import proofs as tables
from flop_harness.run import digests
from flop_harness.suite import files as suite
from flop_harness.trace.attempts import recorded
from flop_harness.trace.recorder import record
from layers import LAYERS, Factory
from networks import NETWORKS
from programs import PROGRAMS, SPARSE, Program

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")


def operations(module, args=(), kwargs=None) -> list[Operation]:
    """The distinct operators of a model that have a formula and compute."""
    trace = recorded(lambda: (module, args, kwargs or {}))
    found = {}
    for visit, work in works(trace):
        if work is not None and work.kind != "movement":
            operation = Operation(visit.call._replace(children=()), visit.inside("aten.einsum"))
            found.setdefault(operation.key, operation)
    return list(found.values())


def of(function, *shapes: tuple[int, ...]) -> list[Operation]:
    return operations(Program(function), tuple(torch.rand(shape) for shape in shapes))


# ------------------------------------------------------------------ every formula and its proof

SAMPLES: dict[str, Factory] = {**LAYERS, **NETWORKS, **PROGRAMS}
PROVABLE = {"proven", "oracle"}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_operator_of_every_layer_is_proven(name):
    module, args, kwargs = SAMPLES[name]()
    proofs = [prove(operation) for operation in operations(module, args, kwargs)]
    open_ = [proof for proof in proofs if proof.standing not in PROVABLE]
    assert [proof for proof in open_ if proof.operator not in REASONS] == []
    for proof in proofs:
        if proof.standing == "proven":
            assert proof.whole == proof.macs and (proof.gap or proof.reached == proof.whole)


@pytest.mark.parametrize("name", SPARSE)
def test_products_of_stored_elements_are_said_not_to_be_provable(name):
    (product,) = [prove(each) for each in operations(*SPARSE[name]()) if "mm" in each.call.packet]  # fmt: skip
    assert product.standing == "unprovable" and "hangs on values" in product.reason


def test_every_formula_has_a_proof_or_a_reason():
    known = {*PROBES, *ALGORITHMS, *REASONS}
    assert sorted(name for name in set(FORMULAS) - known if not free(name)) == []


def free(name: str) -> bool:
    """Whether an operator moves data whatever it is given."""
    nothing = Call("operator", f"{name}.default", (), (), None)
    try:
        return FORMULAS[name](nothing) is FREE
    except (IndexError, AttributeError, TypeError, ValueError):
        return False


# ------------------------------------------------------------------------------ planted errors


def twice(work: Work) -> Work:
    """One factor too many, in whatever a formula counts."""
    counts = {each.name: 2 * getattr(work, each.name) for each in fields(Work)
              if isinstance(getattr(work, each.name), int)}  # fmt: skip
    products = tuple(Product(2 * p.macs, p.outputs, p.bias, p.term) for p in work.products)
    return replace(work, products=products, **counts)


def planted(operation: Operation, wrong, monkeypatch) -> Proof:
    """The proof of an operator whose formula is replaced by a wrong one."""
    name = operation.call.packet
    right = FORMULAS[name]
    with monkeypatch.context() as patch:
        patch.setitem(FORMULAS, name, lambda call: wrong(right(call)))
        return prove(operation)


FAMILIES = {
    "convolution": lambda: of(F.conv2d, (1, 4, 5, 6), (6, 4, 3, 3)),
    "grouped convolution": lambda: of(lambda x, w: F.conv2d(x, w, groups=2), (1, 4, 5, 6),
                                      (6, 2, 3, 3)),
    "transposed convolution": lambda: of(lambda x, w: F.conv_transpose2d(x, w, padding=1),
                                         (1, 4, 5, 6), (4, 6, 3, 3)),
    "deformable convolution": lambda: operations(*SAMPLES["deformable convolution"]()),
    "mm": lambda: of(torch.mm, (3, 5), (5, 4)),
    "addmm": lambda: of(torch.addmm, (4,), (3, 5), (5, 4)),
    "bmm": lambda: of(torch.bmm, (2, 3, 5), (2, 5, 4)),
    "baddbmm": lambda: of(torch.baddbmm, (2, 3, 4), (2, 3, 5), (2, 5, 4)),
    "mv": lambda: of(torch.mv, (3, 5), (5,)),
    "dot": lambda: of(torch.dot, (5,), (5,)),
    "einsum": lambda: of(lambda x, y: torch.einsum("bik,bjk->bij", x, y), (2, 3, 5), (2, 4, 5)),
    "bilinear": lambda: of(F.bilinear, (3, 5), (3, 4), (2, 5, 4)),
    "fused attention": lambda: of(F.scaled_dot_product_attention, *[(2, 3, 5, 4)] * 3),
    "attention's fast path": lambda: operations(*SAMPLES["attention"]()),
    "encoder layer": lambda: operations(*SAMPLES["encoder"]()),
    "recurrent layer": lambda: operations(*SAMPLES["lstm"]()),
    "softmax": lambda: of(lambda x: torch.softmax(x, -1), (3, 5)),
    "batch norm": lambda: operations(*SAMPLES["batch norm 2d"]()),
    "layer norm": lambda: operations(*SAMPLES["layer norm"]()),
    "group norm": lambda: operations(*SAMPLES["group norm"]()),
    "max pool": lambda: operations(*SAMPLES["max pool 2d"]()),
    "average pool": lambda: operations(*SAMPLES["average pool 2d"]()),
    "adaptive pool": lambda: operations(*SAMPLES["adaptive average 2d"]()),
    "activation": lambda: operations(*SAMPLES["gelu"]()),
    "element-wise": lambda: of(torch.add, (3, 5), (3, 5)),
    "reduction": lambda: of(lambda x: x.mean(1), (3, 5)),
    "interpolation": lambda: operations(*SAMPLES["upsample bilinear"]()),
    "boxes": lambda: of(lambda x, boxes: roi_align(x, boxes, 2, sampling_ratio=2), (1, 3, 6, 6),
                        (2, 5)),
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_factor_is_caught(family, monkeypatch):
    found = [operation for operation in FAMILIES[family]() if operation.work.kind != "movement"]
    assert found
    for operation in found:
        assert prove(operation).standing in PROVABLE
        wrong = planted(operation, twice, monkeypatch)
        assert wrong.standing == "disagrees", wrong
        assert wrong.reason


@pytest.mark.parametrize("family", ["convolution", "mm", "fused attention"])
def test_a_wrong_number_of_outputs_is_caught(family, monkeypatch):
    """The multiplications right, the sums that they go into wrong."""

    def wrong(work: Work) -> Work:
        products = tuple(replace(p, outputs=p.outputs + 1) for p in work.products)
        return replace(work, products=products)

    (operation,) = FAMILIES[family]()
    assert planted(operation, wrong, monkeypatch).standing == "disagrees"


def test_a_convolution_that_forgets_its_groups_is_caught(monkeypatch):
    (operation,) = FAMILIES["grouped convolution"]()

    def wrong(work: Work) -> Work:
        return Work(tuple(replace(p, macs=p.macs * 2) for p in work.products))

    proof = planted(operation, wrong, monkeypatch)
    assert proof.whole == 6 * 3 * 4 * 2 * 9 and proof.macs == 2 * proof.whole


@pytest.mark.parametrize("mask", [(False, True, True), (True, True, False)])
def test_the_gradient_of_a_convolution_padded_valid_has_one_padding_for_both_axes(mask):
    dy, x, w = Tensor((1, 2, 3, 4)), Tensor((1, 3, 5, 6)), Tensor((2, 3, 3, 3))
    args = (dy, x, w, (2,), (1, 1), (0,), (1, 1), False, (0,), 1, mask)
    outputs = tuple(
        each if asked else None for each, asked in zip((x, w, Tensor((2,))), mask, strict=True)
    )
    proof = prove(
        Operation(Call("operator", "aten.convolution_backward.default", args, (), outputs))
    )
    assert proof.standing in PROVABLE, proof.reason
    assert proof.macs == sum(mask[:2]) * 2 * 3 * 4 * 3 * 9


def test_an_algorithm_that_does_something_else_proves_nothing(monkeypatch):
    (operation,) = FAMILIES["activation"]()
    relu = ALGORITHMS["aten.relu"]
    monkeypatch.setitem(ALGORITHMS, operation.call.packet, lambda self, **_: relu(self=self))
    proof = prove(operation)
    assert proof.standing == "unprovable" and "does not give" in proof.reason


def test_a_wrong_account_of_padding_is_caught(monkeypatch):
    (operation,) = of(lambda x, w: F.conv2d(x, w, padding=1), (1, 4, 5, 6), (6, 4, 3, 3))
    assert prove(operation).standing == "proven"
    monkeypatch.setattr("flop_harness.proof.operation.padding_macs", lambda call: 1)
    assert prove(operation).standing == "disagrees"


# ----------------------------------------------------------------------------- a whole suite

CONV = Case("conv", "torch.nn:Conv2d", (Input((1, 3, 8, 8)),),
            {"in_channels": 3, "out_channels": 6, "kernel_size": 3, "padding": 1})  # fmt: skip
TWICE = replace(CONV, id="twice")
LSTM = Case("lstm", "torch.nn:LSTM", (Input((3, 2, 5)),), {"input_size": 5, "hidden_size": 4})
BROKEN = Case("broken", "torch.nn:Linear", (Input((2, 5)),), {"in_features": 4, "out_features": 3})
UNKNOWN = Case("unknown", "torch.nn:Unfolding", (Input((2, 5)),))


def suite_of(*cases: Case) -> Suite:
    return Suite("tiny", 3, "", cases, timeout_s=60)


def test_an_operator_is_proven_once_however_often_it_runs():
    proofs = verify(suite_of(CONV, TWICE))
    (proof,) = proofs.proofs
    assert proof.calls == {"conv": 1, "twice": 1}
    assert (proof.macs, proof.whole) == (6 * 64 * 27, 6 * 64 * 27)
    assert proof.reached == 6 * 3 * (3 * 8 - 2) ** 2
    assert (proofs.suite, proofs.version, proofs.cases) == ("tiny", 3, ("conv", "twice"))


def test_kernels_that_only_a_cpu_runs_are_proven_too():
    """The reference comes apart on meta; without gradients a CPU runs the layer in one."""
    proofs = verify(suite_of(LSTM)).proofs
    fused = [proof for proof in proofs if proof.operator == "aten.mkldnn_rnn_layer"]
    assert [(proof.beside, proof.calls) for proof in fused] == [(("lstm",), {})]
    assert {proof.standing for proof in proofs} == {"proven", "oracle"}


def test_kernels_differ_where_there_is_attention_or_recurrence():
    assert kernels_differ(
        record(torch.nn.GRU(5, 4, device="meta"), (torch.rand(3, 2, 5, device="meta"),))
    )
    assert not kernels_differ(record(torch.nn.Linear(5, 4), (torch.rand(2, 5),)))


def test_a_model_that_does_not_run_fails_alone():
    proofs = verify(suite_of(BROKEN, CONV))
    assert [failure.case for failure in proofs.failures] == ["broken"]
    assert len(proofs.proofs) == 1
    assert exit_code(proofs) == 2


def test_a_case_that_is_killed_for_memory_beside_others_is_traced_again_alone():
    killed = Failure("conv", "trace for the reference", "its process died of SIGKILL")

    def mapper(function, items):
        if function is verification.gather:
            return [verification.Found("conv", failure=killed) for _ in items]
        return map(function, items)

    proofs = verify(suite_of(CONV), mapper=mapper)
    assert not proofs.failures
    assert [proof.calls for proof in proofs.proofs] == [{"conv": 1}]


def test_a_case_that_did_not_run_is_in_no_count_of_cases():
    proofs = verify(suite_of(BROKEN, CONV))
    assert proofs_analysis.headline(proofs).endswith(f"{6 * 64 * 27:,} MAC in 1 case")
    assert [row[0] for row in tables.by_case(proofs).rows] == ["conv"]


def test_what_was_proven_before_is_not_run_again(tmp_path, monkeypatch):
    with journal_in(tmp_path) as journal:
        first = verify(suite_of(CONV), journal=journal)
    monkeypatch.setattr(verification, "attempt", lambda operation: pytest.fail("run again"))
    with journal_in(tmp_path) as journal:
        assert len(journal) == len(first.proofs) == 1
        assert verify(suite_of(CONV), journal=journal) == first
        twice = verify(suite_of(CONV, TWICE), journal=journal)
    assert twice.proofs[0].calls == {"conv": 1, "twice": 1}


def test_a_verification_that_was_stopped_goes_on(tmp_path, monkeypatch):
    whole = verify(suite_of(CONV, LSTM))
    proven = []

    def one_at_most(operation):
        if proven:
            raise KeyboardInterrupt
        proven.append(operation)
        return attempt(operation)

    monkeypatch.setattr(verification, "attempt", one_at_most)
    with pytest.raises(KeyboardInterrupt), journal_in(tmp_path) as journal:
        verify(suite_of(CONV, LSTM), journal=journal)
    monkeypatch.undo()
    with journal_in(tmp_path) as journal:
        assert len(journal) == 1
        assert verify(suite_of(CONV, LSTM), journal=journal) == whole
        assert len(journal) == len(whole.proofs)


def test_a_proof_that_fails_costs_no_other(tmp_path, monkeypatch):
    """What is wrong with our own code is told, and tried again the next time."""
    run = proving.by_probe
    whole = verify(suite_of(CONV, LSTM))

    def broken(blank, call, work):
        if call.packet == "aten.convolution":
            raise IndexError("of ours")
        return run(blank, call, work)

    monkeypatch.setattr(proving, "by_probe", broken)
    with journal_in(tmp_path) as journal:
        proofs = verify(suite_of(CONV, LSTM), journal=journal)
        assert len(journal) == len(proofs.proofs) - 1
    (failure,) = proofs.failures
    assert (failure.case, failure.message) == ("conv", "IndexError: of ours")
    assert failure.stage.startswith("proof of aten.convolution at ")
    (wrong,) = [proof for proof in proofs.proofs if proof.standing == "unprovable"]
    assert wrong.reason == "the proof itself failed: IndexError: of ours"
    assert (wrong.macs, exit_code(proofs)) == (6 * 64 * 27, 3)
    monkeypatch.undo()
    with journal_in(tmp_path) as journal:
        assert verify(suite_of(CONV, LSTM), journal=journal) == whole


def test_proofs_of_other_code_or_begun_anew_are_forgotten(tmp_path, monkeypatch):
    with journal_in(tmp_path) as journal:
        verify(suite_of(CONV), journal=journal)
    with journal_in(tmp_path, fresh=True) as journal:
        assert len(journal) == 0
        verify(suite_of(CONV), journal=journal)
    monkeypatch.setattr(kept, "proving", lambda: "another")
    with journal_in(tmp_path) as journal:
        assert len(journal) == 0


def test_a_proof_by_a_formula_of_the_users_is_not_kept():
    """The formula may be another tomorrow."""
    call = Call("operator", "mine.op.default", (), (), None)
    assert lasts(Operation(call)) and not lasts(Operation(call._replace(work=Work())))


def test_all_that_proves_has_a_say_in_what_is_kept():
    code = "import sys, flop_harness.proof.operation; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = ("proof", "formulas", "conventions", "records", "trace")
    used = {sys.modules[name].__file__ for name in told.stdout.split()
            if name in sys.modules and name.split(".")[:1] == ["flop_harness"]
            and name.split(".")[1:2] and name.split(".")[1] in rooms}  # fmt: skip
    counted = {str(file) for pattern in digests.PROVING for file in digests.PACKAGE.glob(pattern)}
    assert {file for file in used if not file.endswith("conventions/__init__.py")} <= counted


def test_one_disagreement_decides(monkeypatch):
    right = FORMULAS["aten.convolution"]
    monkeypatch.setitem(FORMULAS, "aten.convolution", lambda call: twice(right(call)))
    proofs = verify(suite_of(CONV, BROKEN))
    assert exit_code(proofs) == 1
    assert "DISAGREE" in proofs_analysis.headline(proofs)
    assert "DISAGREES" in files.PROOFS["proofs.csv"](proofs).decode()


def test_an_operator_without_a_formula_is_named_and_counted(monkeypatch):
    monkeypatch.delitem(FORMULAS, "aten.convolution")
    proofs = verify(suite_of(CONV, TWICE))
    assert proofs.unsupported == {"aten.convolution": 2}
    assert any("aten.convolution × 2" in line for line in proofs_analysis.lines(proofs))
    assert exit_code(proofs) == 0


def test_a_trace_that_is_there_is_not_made_again(tmp_path):
    """A case of a model that does not exist, whose trace does."""
    trace = record(torch.nn.Linear(4, 3), (torch.rand(2, 4),))
    traces = store.TraceStore(tmp_path)
    name = traces.keep("unknown", trace)
    proofs = verify(suite_of(UNKNOWN), {"unknown": lambda: traces.load(name)})
    assert [(proof.operator, proof.macs) for proof in proofs.proofs] == [("aten.addmm", 24)]
    assert proofs.failures == ()


# -------------------------------------------------------------------------- files and terminal

TINY = """
name = "tiny"
version = 1
description = "two layers"

[[case]]
id = "conv"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 3, out_channels = 6, kernel_size = 3, padding = 1 }
inputs = [[1, 3, 8, 8]]

[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(monkeypatch, capsys, *words: str) -> tuple[int, str]:
    """(exit code, stdout) of a command."""
    monkeypatch.setattr("sys.argv", ["flop-harness", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().out


def test_the_command(tiny, monkeypatch, capsys):
    code, told = typed(monkeypatch, capsys, "verify", "tiny.toml", "--jobs", "1")
    assert code == 0
    assert "2 of 2 distinct products proven" in told
    assert f"{6 * 3 * (24**2 - 22**2):,} of {6 * 3 * 24**2:,} MAC of convolutions" in told
    written = store.load_proofs(tiny / "results" / "tiny")
    assert [proof.standing for proof in written.proofs] == ["proven", "proven"]
    sheet = list(csv.DictReader(io.StringIO((tiny / "results/tiny/proofs.csv").read_text())))
    assert [row["macs"] for row in sheet] == [str(6 * 64 * 27), "24"]
    assert "| conv | 1 |" in (tiny / "results/tiny/proofs.md").read_text()


def test_traces_of_a_run_of_this_suite_are_taken_over(tiny, monkeypatch, capsys):
    typed(monkeypatch, capsys, "compare", "tiny.toml", "--counters", "analytic", "--no-timing")
    whole = suite.load("tiny.toml")
    assert set(known_traces(whole, tiny / "results/tiny")) == {"conv", "linear"}
    other = replace(whole, digest="another")
    assert known_traces(other, tiny / "results/tiny") == {}
    monkeypatch.setattr("flop_harness.proof.verification.tracer", lambda: "another")
    assert known_traces(whole, tiny / "results/tiny") == {}


def test_some_cases_are_shown_and_not_written(tiny, monkeypatch, capsys):
    code, told = typed(monkeypatch, capsys, "verify", "tiny.toml", "--cases", "lin*", "--jobs", "1")
    assert code == 0 and "1 of 1 distinct product proven" in told
    assert not (tiny / "results").exists()


def test_training_steps_of_a_suite_are_taken_in_training_mode(tiny, monkeypatch, capsys):
    """Two products forward, two gradients of weights and that between them; one product in eval mode."""
    (tiny / "mine.py").write_text("""from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(3, 5)
    def forward(self, x):
        y = self.first(x)
        return self.second(y) if self.training else y
""")
    (tiny / "mine.toml").write_text("""name = "mine"
version = 1
[[case]]
id = "model"
model = "mine.py:Model"
mode = "eval"
inputs = [[2, 4]]
""")
    code, told = typed(monkeypatch, capsys, "verify", "mine.toml", "--training", "--jobs", "1")
    assert code == 0 and "5 of 5 distinct products proven" in told
    written = store.load_proofs(tiny / "results/mine/training")
    assert written.training and sum(proof.macs > 0 for proof in written.proofs) == 5
    title = (tiny / "results/mine/training/proofs.md").read_text().splitlines()[0]
    assert title == "# Proofs of the formulas that price training steps of mine"
    assert not (tiny / "results/mine" / store.PROOFS_FILE).exists()


def test_report_writes_proofs_again_those_of_training_steps_too(tiny, monkeypatch, capsys):
    typed(monkeypatch, capsys, "compare", "tiny.toml", "--no-timing", "--counters", "numel")
    typed(monkeypatch, capsys, "verify", "tiny.toml", "--jobs", "1")
    typed(monkeypatch, capsys, "verify", "tiny.toml", "--training", "--jobs", "1")
    sheets = [tiny / "results/tiny" / name for name in ("proofs.csv", "training/proofs.csv")]
    before = [sheet.read_bytes() for sheet in sheets]
    for sheet in sheets:
        sheet.unlink()
    code, told = typed(monkeypatch, capsys, "report", "results/tiny", "--format", "csv")
    assert code == 0 and "training/proofs.csv" in told and "proofs.md" not in told
    assert [sheet.read_bytes() for sheet in sheets] == before


def test_products_of_a_model_that_fits_no_machine_are_proven(tiny, monkeypatch, capsys):
    """Weights of 2**52 bytes, of which two products of attention see nothing."""
    (tiny / "huge.py").write_text("""import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.empty(2**50))
    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x)
""")
    code, told = typed(
        monkeypatch, capsys, "verify", "huge.py:Model", "--input", "1x2x4x8", "--jobs", "1"
    )
    assert code == 0 and "2 of 2 distinct products proven" in told
    assert f"they make up {2 * 2 * 4 * 4 * 8:,} MAC" in told


def test_one_model(tiny, monkeypatch, capsys):
    code, told = typed(
        monkeypatch, capsys, "verify", "torch.nn:ReLU", "--input", "2x3", "--jobs", "1"
    )
    assert code == 0 and "activation" in told


def test_proofs_stand_in_the_report_of_their_suite(tmp_path):
    tiny = suite_of(CONV)
    proofs = verify(tiny)
    (tmp_path / store.PROOFS_FILE).write_bytes(store.dump_proofs(proofs))
    page = write(Run(store.RUN_SCHEMA, tiny, {}), tmp_path, PAGES).paths[0].read_text()
    assert proofs_analysis.headline(proofs) in page and "What was proven, by family" in page
    other = Run(store.RUN_SCHEMA, replace(tiny, version=4, digest="abc"), {})
    page = write(other, tmp_path, PAGES).paths[0].read_text()
    assert proofs_analysis.headline(proofs) not in page and "flop-harness verify tiny.toml" in page


def test_stored_proofs_are_the_same(tmp_path):
    made = Proofs(1, "tiny", 3, ("conv",), {"torch": "2"}, (
        Proof("aten.mm", "2x3, 3x4", "matrix product", "proven", "run on ones", 24, 0, 24, 24, "",
              "", {"conv": 2}),
        Proof("aten.relu", "2", "activation", "oracle", operations=2, beside=("conv",)),
    ), {"aten.odd": 1})  # fmt: skip
    (tmp_path / store.PROOFS_FILE).write_bytes(store.dump_proofs(made))
    assert store.load_proofs(tmp_path) == made
    with pytest.raises(UserError, match="cannot read"):
        store.load_proofs(tmp_path / "nowhere")


def test_two_numbers_are_divided_once():
    call = Call(
        "operator", "aten.div.Scalar_mode", (512, 256), (("rounding_mode", "trunc"),), Tensor(())
    )
    proof = prove(Operation(call))
    assert (proof.standing, proof.operations) == ("oracle", 2)  # a division and a rounding


@pytest.mark.parametrize("shape, rows", [((5,), (3,)), ((5, 2), (3, 2))])
def test_rows_that_are_added_at_their_places(shape, rows):
    """Three rows, two of them at one place: an addition for each element."""
    places = torch.tensor([0, 4, 4])
    function = lambda x, y: x.index_add_(0, places, y)  # noqa: E731
    trace = record(Program(function), (torch.zeros(shape), torch.ones(rows)))
    (visit,) = [visit for visit, _ in works(trace) if "index_add" in visit.call.packet]
    proof = prove(Operation(visit.call))
    assert (proof.standing, proof.operations) == ("oracle", torch.ones(rows).numel())
