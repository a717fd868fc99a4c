"""Rows of timm's own table, where timm is installed: as they are, and with errors planted."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from flop_harness.audit import audit
from flop_harness.audit.claims import load
from flop_harness.records import Verdict

pytest.importorskip("timm")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SUITES = Path(__file__).parents[1] / "suites" / "claims"
MODELS = ("resnet18", "resnet50", "resnet101", "densenet121", "vit_small_patch16_224", "swin_tiny_patch4_window7_224")  # fmt: skip
GMACS, MACTS, PARAMS = "infer_gmacs", "infer_macts", "param_count"


def rows() -> dict[str, dict[str, str]]:
    """The rows of those models at 224 x 224."""
    with (SUITES / "timm.csv").open(newline="") as file:
        found = {row["model"]: row for row in csv.DictReader(file) if row["img_size"] == "224"}
    return {model: found[model] for model in MODELS}


def verdicts(table: dict[str, dict[str, str]], folder: Path) -> dict[tuple[str, str], Verdict]:
    """By model and column, of a table in the form of the one that comes along."""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, next(iter(table.values())))
    writer.writeheader()
    writer.writerows(table.values())
    (folder / "timm.csv").write_text(sheet.getvalue())
    (folder / "timm.toml").write_text((SUITES / "timm.toml").read_text())
    file = load(folder / "timm.toml")
    done = audit([file], folder / "out")
    columns = {"params": PARAMS, "compute": GMACS, "activations": MACTS}
    return {
        (claim.case.model.removeprefix("timm:"), columns[claim.metric]): verdict
        for claim, verdict in zip(done.claims, done.verdicts, strict=True)
        if claim.case
    }


def test_the_table_is_reproduced_by_the_tool_that_made_it(tmp_path):
    found = verdicts(rows(), tmp_path)
    assert len(found) == 3 * len(MODELS)
    assert all(verdict.ruling == "reproduced" and verdict.named for verdict in found.values())


def test_planted_errors_are_found_and_nothing_else(tmp_path):
    table = rows()
    table["resnet18"][GMACS] = "1.28"  # two digits exchanged, of 1.82
    swapped = table["resnet50"], table["resnet101"]
    swapped[0][GMACS], swapped[1][GMACS] = swapped[1][GMACS], swapped[0][GMACS]
    table["densenet121"][PARAMS] = "79.8"  # a point misplaced, of 7.98
    table["vit_small_patch16_224"][MACTS] = table["swin_tiny_patch4_window7_224"][MACTS]
    wrong = {("resnet18", GMACS): "two digits have changed places",
             ("resnet50", GMACS): "rows swapped", ("resnet101", GMACS): "rows swapped",
             ("densenet121", PARAMS): "impossible parameter count",
             ("vit_small_patch16_224", MACTS): "the figure of another model"}  # fmt: skip
    found = verdicts(table, tmp_path)
    assert {place for place, verdict in found.items() if verdict.ruling != "reproduced"} == set(
        wrong
    )
    for place, told in wrong.items():
        assert found[place].ruling == "error in the source" and told in found[place].reason, place


def test_another_tool_s_figure_is_no_figure_of_fvcore(tmp_path):
    """thop's MACs of ResNet-50, which charge normalisations and pools otherwise."""
    table = {"resnet50": {**rows()["resnet50"], GMACS: "4.13"}}
    found = verdicts(table, tmp_path)["resnet50", GMACS]
    assert found.ruling in ("unexplained", "not as stated") and found.named is not True
