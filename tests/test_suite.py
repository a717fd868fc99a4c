"""A suite file becomes records, or one line about what is wrong with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from flop_harness.errors import UserError, suggest
from flop_harness.records import Case, Input, Policy, Suite
from flop_harness.run.planning import select
from flop_harness.suite.files import case_from_model, load, names
from flop_harness.suite.files import written as written_input
from flop_harness.suite.inputs import is_open_mask, moved

HEAD = 'name = "mine"\nversion = 3\n'
CASE = '[[case]]\nid = "a"\nmodel = "torch.nn:ReLU"\n'


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


# ------------------------------------------------------------------------------- what is right


def test_the_least_suite_has_the_defaults(written):
    suite = load(written(HEAD + CASE))
    assert (suite.name, suite.version, suite.timing) == ("mine", 3, Policy())
    assert suite.cases == (Case("a", "torch.nn:ReLU", dtype="", mode=""),)


def test_a_library_s_models_are_in_eval_and_float32_unless_it_is_said(written):
    least = CASE.replace("torch.nn:ReLU", "torchvision:alexnet")
    assert load(written(HEAD + least)).cases == (Case("a", "torchvision:alexnet"),)
    said = load(written(HEAD + least + 'mode = "train"\ndtype = "float64"')).cases[0]
    assert (said.mode, said.dtype) == ("train", "float64")


def test_everything_that_can_be_said(written):
    suite = load(
        written(
            HEAD
            + 'description = "d"\ntimeout_s = 5\nmemory_gib = 0.5\n'
            + "[timing]\nwarmup = 0\nsamples = 2\nseconds = 0.1\n"
            + CASE
            + 'inputs = [[2, 3], { shape = [4], dtype = "int64", high = 9 }]\n'
            + 'kwargs = { inplace = true }\ndtype = "bfloat16"\nmode = "train"\n'
            + 'counters = ["thop"]\ndescription = "rectified"\n'
        )
    )
    assert (suite.description, suite.timeout_s, suite.memory_gib) == ("d", 5.0, 0.5)
    assert suite.timing == Policy(warmup=0, samples=2, seconds=0.1)
    assert suite.cases == (
        Case(
            "a", "torch.nn:ReLU", (Input((2, 3)), Input((4,), "int64", 9)), {"inplace": True},
            "bfloat16", "train", ("thop",), "rectified",
        ),
    )  # fmt: skip


def test_inputs_may_have_names(written):
    text = HEAD + CASE + "inputs = { query = [1, 2], key = { shape = [3], high = 5 } }"
    assert load(written(text)).cases[0].inputs == (
        Input((1, 2), name="query"),
        Input((3,), high=5, name="key"),
    )


def test_a_case_goes_before_the_defaults_of_its_suite(written):
    defaults = 'dtype = "float64"\nmode = "train"\ncounters = ["torch"]\n'
    first, second = load(
        written(HEAD + defaults + CASE + CASE.replace('"a"', '"b"') + 'mode = "eval"')
    ).cases
    assert (first.dtype, first.mode, first.counters) == ("float64", "train", ("torch",))
    assert (second.dtype, second.mode, second.counters) == ("float64", "eval", ("torch",))


def test_an_empty_batch_and_a_scalar_are_inputs(written):
    case = load(written(HEAD + CASE + "inputs = [[0, 3], []]")).cases[0]
    assert case.inputs == (Input((0, 3)), Input(()))


def test_ids_are_any_text(written):
    cases = load(written(HEAD + CASE.replace('"a"', r'"../\n\u0000 ⁂"'))).cases
    assert cases[0].id == "../\n\0 ⁂"


def test_digest_and_folder_are_the_file_s(written):
    path = written(HEAD + CASE)
    suite = load(str(path))
    assert suite.digest == hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert suite.folder == str(path.parent)


# ------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the key 'name' is missing"),
        (HEAD, "the key 'case' is missing"),
        (HEAD + "case = []", "case: expected list of length >= 1 (a case begins with [[case]])"),
        (HEAD + "cases = []", "unknown key 'cases' (did you mean 'case'?)"),
        (HEAD + CASE + "[timing]\nsample = 1", "timing: unknown key 'sample' "
         "(did you mean 'samples'?)"),
        ('name = "x"\nversion = "1"\n' + CASE, "version: expected integer, got string"),
        (HEAD + "timeout_s = 0\n" + CASE, "timeout_s: expected float > 0.0"),
        (HEAD + 'mode = "evil"\n' + CASE, "mode: unknown value 'evil' (did you mean 'eval'?); "
         "known: eval, train"),
        (HEAD + CASE + CASE, "case 'a': this id is given more than once"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_suite(complaint, text, expected):
    assert complaint(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input = [[1]]", "unknown key 'input' (did you mean 'inputs'?)"),
        ("inputs = [1, 3, 224, 224]", "inputs[0]: expected table or list, got integer"),
        ("inputs = [[1, -3]]", "inputs[0][1]: expected integer >= 0"),
        ("inputs = [[1, 2.5]]", "inputs[0][1]: expected integer, got float"),
        ("inputs = [[true]]", "inputs[0][0]: expected integer, got true or false"),
        ("inputs = [{ dtype = 'int64' }]", "inputs[0]: the key 'shape' is missing"),
        ("inputs = [{ shape = [1], dtype = 'int46' }]", "inputs[0].dtype: unknown value 'int46' "
         "(did you mean 'int64'?)"),
        ("inputs = [{ shape = [1], high = 0 }]", "inputs[0].high: expected integer >= 1"),
        ("dtype = 'float23'", "dtype: unknown value 'float23' (did you mean 'float32'?)"),
        ("dtype = 32", "dtype: expected string, got integer"),
        ("kwargs = [1]", "kwargs: expected table, got list"),
        ("counters = 'thop'", "counters: expected list, got string"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_case_names_the_case(complaint, text, expected):
    message = complaint(HEAD + CASE + text)
    assert message.startswith(f"case 'a': {expected}")


def test_a_case_without_a_usable_id_is_named_by_its_number(complaint):
    nameless = '[[case]]\nmodel = "torch.nn:ReLU"'
    assert complaint(HEAD + CASE + nameless) == "case 2: the key 'id' is missing"
    blank = CASE.replace('"a"', '""')
    assert complaint(HEAD + blank) == "case '': id: expected string of length >= 1"


def test_malformed_toml_is_told_with_its_line(complaint):
    message = complaint(HEAD + "case = [1\nb = 2")
    assert message.startswith("not TOML: ") and "line 4" in message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"absent\.toml: no such file"):
        load(tmp_path / "absent.toml")


def test_a_name_that_is_not_there():
    with pytest.raises(UserError, match=r"no suite 'seed' \(did you mean 'seeds'\?\); there are: "):
        load("seed")


def test_bytes_that_are_not_text(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(UserError, match="not TOML"):
        load(path)


# -------------------------------------------------------------------------- the command line


def test_a_case_from_the_command_line():
    case = case_from_model("m.py:Net", ["1x3x224x224", "7"], mode="train", kwargs={"k": 1})
    inputs = (Input((1, 3, 224, 224)), Input((7,)))
    assert case == Case("m.py:Net", "m.py:Net", inputs, {"k": 1}, dtype="", mode="train")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1x3", Input((1, 3))),
        ("1x128:int64", Input((1, 128), "int64")),
        ("ids:1x128:int64", Input((1, 128), "int64", name="ids")),
        ("name=1x3x224x224", Input((1, 3, 224, 224), name="name")),
        ("mask=2X4:bool", Input((2, 4), "bool", name="mask")),
    ],
)
def test_an_input_of_the_command_line_may_have_a_name_and_a_dtype(text, expected):
    assert written_input(text) == expected


def test_an_unknown_dtype_of_an_input_is_told():
    with pytest.raises(UserError, match=r"unknown dtype 'int46' \(did you mean 'int64'\?\)"):
        written_input("ids:1x128:int46")


@pytest.mark.parametrize("text", ["", "x", "1x", "1,3", "1x-3", "axb", "1 x 3", "9" * 5000])
def test_nonsense_is_not_a_shape(text):
    with pytest.raises(UserError, match="is not a shape such as 1x3x224x224"):
        case_from_model("m.py:Net", [text])


def test_options_of_the_command_line_are_checked_as_those_of_a_file():
    with pytest.raises(UserError, match=r"^m\.py:Net: dtype: unknown value 'floaty'"):
        case_from_model("m.py:Net", ["1"], dtype="floaty")


# ------------------------------------------------------------------------------ what is carried


def test_the_seed_suite_comes_with_the_harness():
    assert "seeds" in names()
    suite = load("seeds")
    assert [case.id for case in suite.cases] == [
        "vgg11", "vgg16", "alexnet", "alexnet-512", "alexnet-batch8", "resnet50", "googlenet",
        "densenet121", "seed002-vgg11", "seed004-net", "conv-groups1", "conv-groups3",
        "conv-groups1-unbatched", "conv-groups3-unbatched", "linear-bias", "linear",
        "conv-depthwise", "conv-dilated", "conv1d", "conv3d", "conv-transposed-grouped",
    ]  # fmt: skip
    assert all(case.description and case.inputs for case in suite.cases)


def test_suggestions():
    assert suggest("VGG61", ["vgg16", "alexnet"]) == " (did you mean 'vgg16'?)"
    assert suggest("vgg61", ["vgg19", "vgg13", "vgg16", "vgg11"]) == " (did you mean 'vgg16'?)"
    assert suggest("net", ["net1", "net2", "alexnet"]) == " (did you mean 'net2' or 'net1'?)"
    assert suggest("conv", ["conv1d", "conv2d", "conv3d", "linear"]).count("'conv") == 3
    assert suggest("thing", ["vgg16", "alexnet"]) == ""


def test_a_case_is_chosen_by_its_id_before_it_is_a_pattern():
    cases = tuple(Case(name, "torch.nn:Identity") for name in ("two[a]", "two[b]", "twoa", "two*"))
    found = {pattern: [case.id for case in select(Suite("s", 1, "", cases), pattern).cases]
             for pattern in ("two[a]", "two*", "two[[]?]", "two[ab]")}  # fmt: skip
    assert found == {"two[a]": ["two[a]"], "two*": ["two*"],
                     "two[[]?]": ["two[a]", "two[b]"], "two[ab]": ["twoa"]}  # fmt: skip


def test_masks_of_ones_are_as_if_there_were_none():
    ones, one_hidden = torch.ones(2, 4, dtype=torch.int64), torch.tensor([[1, 1, 1, 0]])
    assert is_open_mask("attention_mask", ones)
    assert is_open_mask("decoder_attention_mask", moved(ones, "meta"))
    assert not is_open_mask("attention_mask", one_hidden)
    assert not is_open_mask("attention_mask", moved(one_hidden, "meta"))
    assert not is_open_mask("attention_mask", torch.ones(2, 4, device="meta"))  # nobody knows
    assert not is_open_mask("attention_mask", torch.ones(2, 1, 4, 4))
    assert not is_open_mask("token_type_ids", ones)
