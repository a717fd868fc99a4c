"""A published table in a CSV file says what the same table says in TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from flop_harness.audit.claims import load
from flop_harness.errors import UserError

HEAD = 'source = "a repository"\n[[table]]\nid = "t"\ncounts = "thop"\n'
TAKE = 'take = { count = "params (M)", macs = "GMACs" }\n'
FROM_CSV = (
    f'{HEAD}csv = "t.csv"\nmodel = "torchvision:{{name}}"\ninputs = "1x3x{{side}}x{{side}}"\n{TAKE}'
)
CELLS = "name,side,rate,macs,count\nresnet18,64,1e4,0.15,11.69\nresnet34,96,9e3,0.68,21.8\n"
IN_TOML = f"""{HEAD}columns = ["model", "inputs", "params (M)", "GMACs"]
rows = [
  ["torchvision:resnet18", "1x3x64x64", "11.69", "0.15"],
  ["torchvision:resnet34", "1x3x96x96", "21.8", "0.68"],
]
"""


@pytest.fixture
def claims(tmp_path):
    """The claims of a file of this text, a CSV file beside it."""

    def read(text: str, cells: str = CELLS) -> tuple:
        (tmp_path / "t.csv").write_text(cells)
        (tmp_path / "mine.toml").write_text(text)
        return load(tmp_path / "mine.toml").claims

    return read


def test_columns_are_taken_as_if_they_stood_in_the_file(claims):
    assert claims(FROM_CSV) == claims(IN_TOML)


def test_zeros_that_a_program_left_out_are_digits_of_the_figure(claims):
    found = [claim.value for claim in claims(f"{FROM_CSV}decimals = 2\n")]
    assert found == ["11.69", "0.15", "21.80", "0.68"]


def test_a_cell_that_is_empty_claims_nothing(claims):
    found = claims(f"{FROM_CSV}decimals = 2\n", CELLS.replace("0.15", ""))
    assert [claim.value for claim in found] == ["11.69", "21.80", "0.68"]


@pytest.mark.parametrize(
    "text, cells, told",
    [
        (f"{FROM_CSV}rows = [['1']]\n", CELLS, "a table has columns and rows, or a csv"),
        (HEAD, CELLS, "a table has columns and rows, or a csv"),
        (FROM_CSV.replace("{name}", "{nam}"), CELLS, "row 1: no column 'nam' (did you mean 'name'?)"),
        (FROM_CSV.replace("macs =", "macks ="), CELLS, "row 1: no column 'macks' (did you mean 'macs'?)"),
        (FROM_CSV, CELLS.splitlines()[0], "t.csv: no rows"),
        (FROM_CSV.replace("t.csv", "u.csv"), CELLS, "u.csv: no such file"),
        (FROM_CSV, "name,side,rate,macs,count\nresnet18\n", "t.csv, row 1: 1 cell for 5 columns"),
        (FROM_CSV, "name,side,rate,macs,count\nresnet18,64,1,2,3,4\n", "t.csv, row 1: 6 cells for 5 columns"),
        (f"{FROM_CSV}decimals = 2\n", CELLS.replace("0.68", "many"), "row 2: a figure is no number"),
        (FROM_CSV, CELLS.replace("0.68", "many"), "row 2, GMACs: "),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(claims, text, cells, told):
    with pytest.raises(UserError) as raised:
        claims(text, cells)
    assert told in str(raised.value) and "\n" not in str(raised.value)


def test_timm_s_table_is_as_large_as_its_source():
    """1,627 rows of 1,282 models, each with a figure for parameters, GMACs and activations."""
    path = Path(__file__).parents[1] / "suites" / "claims" / "timm.toml"
    found = load(path).claims
    assert len(found) == 3 * 1627
    assert len({claim.case.model for claim in found if claim.case}) == 1282
    assert {claim.metric for claim in found} == {"params", "compute", "activations"}
