"""A claim file becomes records, or one line about what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flop_harness.audit.claims import load, names
from flop_harness.errors import UserError
from flop_harness.records import Input

HEAD = 'source = "a blog"\n'
CLAIM = '[[claim]]\nmodel = "torchvision:resnet18"\n'


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def complaint(written):
    def of(text: str) -> str:
        path = written(text)
        with pytest.raises(UserError) as raised:
            load(path)
        message = str(raised.value)
        assert message.startswith(f"{path}: ") and "\n" not in message
        return message.removeprefix(f"{path}: ")

    return of


def test_a_table_is_a_claim_for_each_cell_that_says_something(written):
    file = load(
        written("""
source = "My paper, Table 2"
inputs = [[1, 3, 64, 64]]

[[table]]
id = "t"
columns = ["model", "params (M)", "FLOPs (G)"]
rows = [
  ["torchvision:resnet18", "11.7", "1.8"],
  ["torchvision:resnet50", "25.6", "-"],
]
""")
    )
    found = [(claim.case.model, claim.metric, claim.value, claim.unit) for claim in file.claims]
    assert found == [
        ("torchvision:resnet18", "params", "11.7", "M"),
        ("torchvision:resnet18", "compute", "1.8", "G FLOPs"),
        ("torchvision:resnet50", "params", "25.6", "M"),
    ]
    assert {claim.case.inputs for claim in file.claims} == {(Input((1, 3, 64, 64)),)}
    assert [(claim.table, claim.row) for claim in file.claims] == [("t", 1), ("t", 1), ("t", 2)]
    assert len({claim.id for claim in file.claims}) == 3


def test_a_cell_may_be_what_the_figures_beside_it_are_about(written):
    (claim,) = load(
        written(
            HEAD
            + """
[[table]]
model = "torch.nn:Linear"
columns = ["id", "kwargs", "inputs", "layer", "counts", "MACs"]
rows = [["fc", { in_features = 8, out_features = 2 }, "4x8", "", "thop", "64"]]
"""
        )
    ).claims
    assert claim.id == "table-1/fc/macs"
    assert claim.case.kwargs == {"in_features": 8, "out_features": 2}
    assert claim.case.inputs == (Input((4, 8)),)
    assert (claim.counts, claim.unit) == ("thop", "MACs")


def test_the_metric_follows_from_the_unit(written):
    text = HEAD + "".join(
        f'{CLAIM}value = "1"\nunit = "{unit}"\n' for unit in ("GMACs", "M params", "MB", "elements")
    )
    metrics = [claim.metric for claim in load(written(text)).claims]
    assert metrics == ["compute", "params", "size", "activations"]


def test_a_unit_may_stand_in_the_figure_or_in_the_head_of_its_column(written):
    text = HEAD + "".join(
        f'{CLAIM}value = "{value}"\n{more}'
        for value, more in (("4.1 GMac", ""), ("11.7M", 'metric = "params"\n'), ("44.6 MiB", ""))
    )
    text += (
        '[[table]]\nmodel = "a:b"\ncolumns = ["GMACs", "params (M params)", "output"]\n'
        'rows = [["1.8", "11.7", "1x10"]]\n'
    )
    found = [(each.metric, each.value, each.unit) for each in load(written(text)).claims]
    assert found == [
        ("compute", "4.1", "GMac"), ("params", "11.7", "M"), ("size", "44.6", "MiB"),
        ("compute", "1.8", "GMACs"), ("params", "11.7", "M params"), ("output", "1x10", ""),
    ]  # fmt: skip


def test_an_integer_needs_no_quotes_and_a_decimal_does(written, complaint):
    (claim,) = load(written(f'{HEAD}{CLAIM}value = 11689512\nunit = "params"\n')).claims
    assert claim.value == "11689512"
    said = complaint(f'{HEAD}{CLAIM}value = 1.80\nunit = "GFLOPs"\n')
    assert said == 'claim 1: value: write it with its digits, value = "1.8"'


def test_a_statement_has_models_of_its_own_that_take_over_what_they_do_not_say(written):
    (claim,) = load(
        written(
            HEAD
            + """
[[claim]]
id = "batch"
model = "torchvision:alexnet"
models.one = { inputs = [[1, 3, 224, 224]] }
models.eight = { inputs = [[8, 3, 224, 224]] }
holds = "eight.macs == 8 * one.macs"
"""
        )
    ).claims
    assert claim.case is None and set(claim.models) == {"one", "eight"}
    assert {case.model for case in claim.models.values()} == {"torchvision:alexnet"}
    assert claim.models["eight"].inputs == (Input((8, 3, 224, 224)),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no claims: one begins with [[claim]], a table with [[table]]"),
        (f'{CLAIM}value = "1"\nunit = "M params"\n',
         "claim 1: the key 'source' is missing: where the figure was published"),
        (f'{HEAD}[[claim]]\nvalue = "1"\nunit = "M params"\n', "claim 1: the key 'model' is missing"),
        (f"{HEAD}{CLAIM}", "claim 1: a claim has a value, or a comparison that holds"),
        (f'{HEAD}{CLAIM}valeu = "1"\n', "claim 1: unknown key 'valeu' (did you mean 'value'?)"),
        (f'{HEAD}{CLAIM}value = "1"\nunit = "M"\n',
         "claim 1: unknown metric ''; known: compute, params, size, activations, traffic, output"),
        (f'{HEAD}{CLAIM}value = "1"\nunit = "GFLOPs"\nmetric = "params"\n',
         "claim 1: 'GFLOPs' is no unit of the metric 'params'"),
        (f'{HEAD}{CLAIM}value = "many"\nunit = "GFLOPs"\n',
         "claim 1: 'many' is no printed number, such as 61,100,840 or 15.5 or 3.6e9"),
        (f'{HEAD}{CLAIM}value = "4.1 GMac"\nunit = "MMac"\n',
         "claim 1: '4.1 GMac' has a unit, and 'MMac' is another"),
        (f'{HEAD}{CLAIM}value = "1"\nunit = "GFLOPs"\ninputs = [["a"]]\n',
         "claim 1: torchvision:resnet18: inputs[0][0]: expected integer, got string (inputs are "
         "shapes: [[1, 3, 224, 224]], or {name = [1, 3, 224, 224]})"),
        (f'{HEAD}{CLAIM}value = "1"\nholds = "1 == 1"\n',
         "claim 1: a claim has a value or a comparison that holds, not both"),
        (f'{HEAD}[[table]]\ncolumns = ["model", "MACs"]\nrows = [["a:b"]]\n',
         "table 1, row 1: 1 cells under 2 columns"),
        (f'{HEAD}[[table]]\ncolumns = ["model", "MACs"]\nrows = [["a:b", 1.8]]\n',
         'table 1: rows[0][1]: expected integer or string or table, got float (a figure is a string, '
         'with its digits: "4.10")'),
        (f'{HEAD}[[table]]\ncolumns = ["model", "parms"]\nrows = [["a:b", "1"]]\n',
         "table 1, row 1, parms: unknown metric 'parms' (did you mean 'params'?); known: compute, "
         "params, size, activations, traffic, output"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(complaint, text, said):
    assert complaint(text) == said


def test_syntax_and_absence_are_told(tmp_path, complaint):
    assert complaint("source = ").startswith("not TOML: ")
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "absent.toml")
    with pytest.raises(UserError, match="did you mean 'seeds'"):
        load("seds")


@pytest.mark.parametrize("name", ["papers", "readmes", "seeds", "torchvision"])
def test_the_files_that_come_along_name_a_source_for_every_claim(name):
    assert name in names()
    claims = load(name).claims
    assert all(claim.source for claim in claims)
    assert len({claim.id for claim in claims}) == len(claims)


def test_there_are_figures_of_many_papers():
    sources = {claim.source.partition(",")[0] for claim in load("papers").claims}
    assert len(load("papers").claims) >= 40 and len(sources) >= 15


def test_torchvision_s_file_is_what_the_installed_package_says():
    import torchvision

    from flop_harness.audit.torchvision import lines

    file = load("torchvision")
    version = torchvision.__version__.partition("+")[0]
    if f"torchvision {version}," not in file.claims[0].source:
        pytest.skip("the file was made with another torchvision")
    assert Path(file.folder, "torchvision.toml").read_text() == "".join(lines())


def test_columns_that_count_nothing_are_skipped_and_named(tmp_path):
    heads = ["model", "params (M)", "top-1", "Acc@5", "latency (ms)", "images/s", "err (%)"]
    (tmp_path / "mine.toml").write_text(
        f'source = "x"\n[[table]]\ncolumns = {json.dumps(heads)}\n'
        'rows = [["torchvision:resnet18", "11.7", "69.8", "89.1", "3.1", "900", "30.2"]]\n'
    )
    found = load(tmp_path / "mine.toml")
    assert [claim.metric for claim in found.claims] == ["params"]
    assert list(found.skipped) == heads[2:]
