"""A case becomes a fresh model with its inputs, or one line about why it cannot."""

from __future__ import annotations

import importlib.machinery
import re
import sys
import types
from itertools import pairwise

import pytest
import torch
from torch import nn

from flop_harness.errors import UserError
from flop_harness.records import Case, Input
from flop_harness.suite.build import build
from flop_harness.suite.files import load


def case(model: str, *shapes: tuple[int, ...], **options) -> Case:
    return Case("the-case", model, tuple(Input(shape) for shape in shapes), **options)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture
def source(tmp_path):
    """Write a file of models; gives the folder."""

    def write(text: str, name: str = "net.py") -> str:
        (tmp_path / name).write_text("import torch\nfrom torch import nn\n" + text)
        return str(tmp_path)

    return write


@pytest.fixture
def complaint():
    def of(model: str, *shapes: tuple[int, ...], folder: str = "", **options) -> str:
        with pytest.raises(UserError) as raised:
            build(case(model, *shapes, **options), folder=folder)
        message = str(raised.value)
        assert message.startswith("case 'the-case': ") and "\n" not in message
        return message.removeprefix("case 'the-case': ")

    return of


# ------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_inputs_are_positional_or_named(device):
    inputs = (Input((2, 3)), Input((4,), "int64", 5), Input((1,), "bool", name="mask"))
    built = build(Case("x", "torch.nn:ReLU", inputs), device=device)
    assert [(a.shape, a.dtype) for a in built.args] == [
        ((2, 3), torch.float32),
        ((4,), torch.int64),
    ]
    assert built.kwargs["mask"].dtype == torch.bool
    assert {t.device.type for t in (*built.args, *built.kwargs.values())} == {device}


def test_floats_lie_in_0_1_and_integers_below_high():
    inputs = (Input((100,)), Input((100,), "int64", 5), Input((3,), "bool"))
    floats, integers, booleans = build(Case("x", "torch.nn:ReLU", inputs)).args
    assert floats.min() >= 0 and floats.max() < 1
    assert set(integers.tolist()) == {0, 1, 2, 3, 4}
    assert not booleans.any()


def test_the_seed_decides_and_the_caller_s_random_state_stays():
    layer = case("torch.nn:Linear", (5, 4), kwargs={"in_features": 4, "out_features": 3})
    before = torch.get_rng_state()
    first, again, other = build(layer), build(layer), build(layer, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.module.weight, again.module.weight)
    assert torch.equal(first.args[0], again.args[0])
    assert not torch.equal(first.module.weight, other.module.weight)
    assert first.module is not again.module


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "complex64"])
def test_floating_parameters_and_inputs_get_the_dtype_of_the_case(dtype):
    kwargs = {"in_features": 4, "out_features": 3}
    built = build(case("torch.nn:Linear", (5, 4), kwargs=kwargs, dtype=dtype))
    assert built.module(*built.args).dtype == getattr(torch, dtype)


def test_an_input_s_own_dtype_is_kept():
    inputs = (Input((2,), "float64"), Input((2,), "int32"))
    built = build(Case("x", "torch.nn:ReLU", inputs, dtype="float16"))
    assert [tensor.dtype for tensor in built.args] == [torch.float64, torch.int32]


def test_a_model_that_is_kept_in_single_bytes_is_not_given_such(source):
    """Its layers compute in what it is cast to on the way."""
    folder = source("def make(): return nn.Linear(4, 3).to(torch.float8_e4m3fn)")
    built = build(Case("x", "net.py:make", (Input((2, 4)),), dtype=""), folder=folder)
    assert built.module.weight.dtype == torch.float8_e4m3fn
    assert built.args[0].dtype == torch.float32


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_mode(mode):
    assert build(case("torch.nn:Dropout", (1,), mode=mode)).module.training == (mode == "train")


# ---------------------------------------------------------------------------------- factories


def test_a_class_or_a_function_of_a_file(source):
    folder = source("class Net(nn.Linear):\n    pass\ndef make(n=4): return Net(n, n)")
    built = build(case("net.py:make", (1, 6), kwargs={"n": 6}), folder=folder)
    assert built.module(*built.args).shape == (1, 6)
    kwargs = {"in_features": 2, "out_features": 3}
    assert parameters(build(case("net.py:Net", (1, 2), kwargs=kwargs), folder=folder).module) == 9


FACTORIES = {
    "cached": "import functools\n@functools.cache\ndef make(): return nn.Linear(6, 2)",
    "object": "class Maker:\n    def __call__(self): return nn.Linear(6, 2)\nmake = Maker()",
    "classmethod": "class A:\n    class B:\n        @classmethod\n        def of(cls): return nn.Linear(6, 2)\nmake = A.B.of",
}


@pytest.mark.parametrize("way", FACTORIES)
def test_whatever_can_be_called_makes_a_model(source, way):
    assert (
        parameters(build(case("net.py:make", (1, 6)), folder=source(FACTORIES[way])).module) == 14
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("made", "kind"), [("async def", "coroutine"), ("def", "generator")])
def test_a_function_that_has_not_begun_is_told(source, made, kind):
    body = "yield nn.Linear(6, 2)" if kind == "generator" else "return nn.Linear(6, 2)"
    with pytest.raises(UserError, match=f"gave {kind}, not a module"):
        build(case("net.py:make", (1, 6)), folder=source(f"{made} make(): {body}"))


def test_a_model_that_stands_in_its_file_is_made_anew_for_each_build(source):
    reference = case("net.py:model", (1, 6))
    folder = source("model = nn.Linear(6, 2)")
    first, second = (build(reference, folder=folder).module for _ in range(2))
    assert first is not second and parameters(first) == 6 * 2 + 2
    assert build(reference, folder=folder, device="meta").module.weight.is_meta
    assert not second.weight.is_meta
    with pytest.raises(UserError, match=r"net\.py:model stands there ready: it takes no kwargs"):
        build(case("net.py:model", (1, 6), kwargs={"n": 3}), folder=folder)


def test_a_factory_may_take_its_options_apart(source):
    """The case keeps its own: for the attempt after a failed one, and for the next build."""
    folder = source(
        "def make(config):\n"
        "    layer = nn.Linear(6, config['sizes'].pop('width'))\n"
        "    layer.weight.sum().item()  # which has no value on meta\n"
        "    return layer\n"
    )
    one = case("net.py:make", (1, 6), kwargs={"config": {"sizes": {"width": 2}}})
    for device in ("meta", "cpu"):
        assert parameters(build(one, folder=folder, device=device).module) == 6 * 2 + 2
    assert one.kwargs == {"config": {"sizes": {"width": 2}}}


def test_hooks_of_a_factory_on_all_modules_are_those_of_its_last_call(source):
    folder = source(
        "def make():\n"
        "    twice = lambda module, args: (args[0].repeat(2, 1),)\n"
        "    nn.modules.module.register_module_forward_pre_hook(twice)\n"
        "    return nn.Linear(4, 3)\n"
    )
    hooks = nn.modules.module._global_forward_pre_hooks
    before = len(hooks)
    try:
        for _ in range(2):
            built = build(case("net.py:make", (2, 4)), folder=folder)
            assert len(hooks) == before + 1
        assert built.module(*built.args).shape == (4, 3)
    finally:
        hooks.popitem()


def test_a_factory_may_give_the_inputs(source):
    folder = source("def make(): return nn.ReLU(), (torch.ones(2),), {'x': [torch.ones(3).int()]}")
    built = build(case("net.py:make", dtype="float64"), folder=folder)
    assert built.args[0].dtype == torch.float64
    assert built.kwargs["x"][0].dtype == torch.int32
    assert build(case("net.py:make"), folder=folder, device="meta").kwargs["x"][0].is_meta


def test_inputs_of_the_case_go_before_those_of_the_factory(source):
    folder = source("def make(): return nn.ReLU(), (torch.ones(2),), {}")
    assert build(case("net.py:make", (5, 6)), folder=folder).args[0].shape == (5, 6)


def test_a_file_is_found_from_the_folder_then_from_the_working_directory(
    source, tmp_path, monkeypatch
):
    source("Net = nn.ReLU")
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "suites"
    other.mkdir()
    assert isinstance(build(case("net.py:Net", (1,)), folder=str(other)).module, nn.ReLU)
    (other / "net.py").write_text("from torch.nn import GELU as Net")
    assert isinstance(build(case("net.py:Net", (1,)), folder=str(other)).module, nn.GELU)
    absolute = case(f"{tmp_path}/net.py:Net", (1,))
    assert isinstance(build(absolute, folder=str(other)).module, nn.ReLU)


def test_a_package_of_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "a_package_of_mine.py").write_text("from torch.nn import GELU as Net")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    assert isinstance(build(case("a_package_of_mine:Net", (1,))).module, nn.GELU)
    assert sys.path == before


def test_what_python_warns_of_in_a_file_is_told_once(source, recwarn):
    """Two escapes that are none: from Python 3.12 on a user sees what is said of them."""
    folder = source(r"""MARKS, Net = ("\d", "\w"), nn.ReLU""")
    build(case("net.py:Net", (1,)), folder=folder)
    build(case("net.py:Net", (1,)), folder=folder)
    told = [str(each.message) for each in recwarn]
    assert [name for text in told for name in (r"\d", r"\w") if name in text] == [r"\d", r"\w"]


def test_an_edited_file_is_read_anew(source):
    reference = case("net.py:Net", (1,))
    first = build(reference, folder=source("Net = nn.ReLU")).module
    second = build(reference, folder=source("Net = nn.GELU")).module
    assert (type(first), type(second)) == (nn.ReLU, nn.GELU)


LAYERS = {
    "from .parts import Net": "parts.py",
    "from .more.parts import Net": "more/parts.py",
    "from ..parts import Net": "../parts.py",
    "from . import parts\nNet = parts.Net": "parts.py",
    "def Net():\n    from .parts import Net\n    return Net()": "parts.py",
}


@pytest.mark.parametrize("text", LAYERS)
@pytest.mark.parametrize("regular", [True, False], ids=["with __init__", "folders alone"])
def test_a_file_with_relative_imports_is_part_of_its_package(tmp_path, text, regular):
    """Two projects with a package of the same name keep them apart."""
    made = []
    for project, layer in (("one", "GELU"), ("two", "SiLU")):
        home = tmp_path / project / "a_package" / "models"
        parts = home / LAYERS[text]
        parts.parent.resolve().mkdir(parents=True, exist_ok=True)
        home.mkdir(exist_ok=True)
        (home / "net.py").write_text(text)
        parts.write_text(f"from torch.nn import {layer} as Net")
        for folder in {home, home.parent, parts.parent.resolve()} if regular else ():
            (folder / "__init__.py").write_text("")
        path = f"{project}/a_package/models/net.py:Net"
        made.append(build(case(path, (1,)), folder=str(tmp_path)).module)
    assert [type(module).__name__ for module in made] == ["GELU", "SiLU"]


def test_a_relative_import_of_nothing_is_told_in_one_line(tmp_path):
    (tmp_path / "net.py").write_text("from .nowhere_at_all import Net")
    with pytest.raises(
        UserError, match=r"loading net\.py raised ModuleNotFoundError: .*nowhere_at_all"
    ):
        build(case("net.py:Net", (1,)), folder=str(tmp_path))


def test_two_folders_keep_their_siblings_apart(tmp_path):
    for folder, layer in (("a", "ReLU"), ("b", "GELU")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text("from blocks_of_mine import Net")
        (tmp_path / folder / "blocks_of_mine.py").write_text(f"from torch.nn import {layer} as Net")
    before = list(sys.path)
    made = [build(case(f"{f}/net.py:Net", (1,)), folder=str(tmp_path)).module for f in "ab"]
    assert [type(module) for module in made] == [nn.ReLU, nn.GELU]
    assert sys.path == before


def test_models_of_files_can_be_pickled(source):
    import pickle

    folder = source("class Net(nn.ReLU): pass")
    module = build(case("net.py:Net", (1,)), folder=folder).module
    assert type(pickle.loads(pickle.dumps(module))) is type(module)


# --------------------------------------------------------------------------------------- meta


def test_on_meta_nothing_is_allocated():
    huge = {"in_features": 10**6, "out_features": 10**6}
    built = build(case("torch.nn:Linear", (10**6, 10**6), kwargs=huge), device="meta")
    assert built.module(*built.args).shape == (10**6, 10**6)


TIED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {first}
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)
        self.b.weight = self.a.weight
"""


@pytest.mark.parametrize("first", ["torch.ones(1).item()", "pass"])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_shared_parameters_stay_shared_even_where_building_on_meta_fails(source, first, device):
    folder = source(TIED.format(first=first))
    module = build(case("net.py:Net", (1,)), folder=folder, device=device).module
    assert module.a.weight is module.b.weight
    assert {parameter.device.type for parameter in module.parameters()} == {device}
    assert parameters(module) == 3 * 3 + 2 * 3


def test_regnet_looks_at_values_and_still_comes_to_meta():
    module = build(case("torchvision:regnet_x_400mf"), device="meta").module
    assert all(parameter.is_meta for parameter in module.parameters())


# ---------------------------------------------------------------------------------- providers


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("alexnet", [(1, 3, 224, 224)]),
        ("inception_v3", [(1, 3, 299, 299)]),
        ("vit_h_14", [(1, 3, 224, 224)]),
        ("fcn_resnet50", [(1, 3, 520, 520)]),
        ("r3d_18", [(1, 3, 16, 112, 112)]),
        ("raft_small", [(1, 3, 128, 128), (1, 3, 128, 128)]),
        ("quantized_mobilenet_v2", [(1, 3, 224, 224)]),
    ],
)
def test_the_usual_inputs_of_torchvision(name, shapes):
    built = build(case(f"torchvision:{name}"), device="meta")
    assert [tensor.shape for tensor in built.args] == shapes


def test_a_vision_transformer_gets_images_of_the_size_it_was_built_for():
    built = build(case("torchvision:vit_b_32", kwargs={"image_size": 384}), device="meta")
    assert built.args[0].shape == (1, 3, 384, 384)


@pytest.mark.parametrize(
    "model",
    [
        "torchvision:ssdlite320_mobilenet_v3_large",
        "torchvision.models.detection:ssdlite320_mobilenet_v3_large",
    ],
)
def test_detectors_take_one_list_of_images_and_load_no_backbone(model, monkeypatch):
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", None)
    built = build(case(model, (3, 64, 48), (2, 3, 32, 32)), device="meta")
    (images,) = built.args
    assert [image.shape for image in images] == [(3, 64, 48), (3, 32, 32), (3, 32, 32)]


def test_timm_by_its_own_input_size(monkeypatch):
    """Against a stand-in: timm is an extra."""
    timm = types.ModuleType("timm")
    timm.__spec__ = importlib.machinery.ModuleSpec("timm", None)
    timm.list_models = lambda: ["mixer", "alexnet"]
    timm.is_model = lambda name: name in timm.list_models()

    def create_model(name, pretrained, **kwargs):
        assert not pretrained
        module = nn.Linear(8, **kwargs)
        module.default_cfg = {"input_size": (3, 8, 8)}
        return module

    timm.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", timm)
    built = build(case("timm:mixer", kwargs={"out_features": 2}))
    assert built.module(*built.args).shape == (1, 3, 8, 2)
    with pytest.raises(UserError, match=r"timm has no model 'mixr' \(did you mean 'mixer'\?\)"):
        build(case("timm:mixr"))
    with pytest.raises(UserError, match=r"did you mean torchvision:alexnet or timm:alexnet\?"):
        build(case("alexnet"))


# ------------------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("torchvision:vgg_16", "torchvision has no model 'vgg_16' (did you mean 'vgg16'?)"),
        ("torchvison:vgg16", "no module named 'torchvison' (did you mean 'torchvision'?)"),
        ("torch.nn:Conv4d", "torch.nn has no 'Conv4d' (did you mean 'Conv"),
        ("torch.nn:functional", "torch.nn:functional is a module, not a class or function"),
        ("torch.nm:Linear", "no module named 'torch.nm'"),
        ("squeezenet1_O", "model 'squeezenet1_O' names no provider; did you mean torchvision:"),
        ("?", "model '?' is not of the form provider:NAME, package.module:factory or path/"),
        (
            "net.pt2",
            "net.pt2 is no code: write a function that loads the model, and name it, as net.py:load",
        ),
        ("my.py", "which model of my.py? Write my.py:NAME"),
        ("absent.py:Net", "no file 'absent.py' in "),
    ],
)
def test_a_reference_to_nothing(complaint, model, expected):
    assert complaint(model, (1,)).startswith(expected)


def test_a_provider_that_is_not_installed(complaint, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert complaint("timm:resnet18") == "timm is not installed (pip install 'flop-harness[timm]')"


def test_weights_are_refused(complaint):
    message = complaint("torchvision:alexnet", kwargs={"weights": "DEFAULT"})
    assert message == "kwargs.weights: weights are never downloaded; leave it out"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise ValueError('no\\nway')", "net.py:make raised ValueError: no way"),
        ("raise SystemExit(3)", "net.py:make raised SystemExit: 3"),
        ("return 7", "net.py:make gave int, not a module or (module, args, kwargs)"),
        ("return nn.ReLU(), 1", "net.py:make gave tuple, not a module or (module, args, kwargs)"),
        ("return nn.ReLU()", "inputs are needed: ReLU takes input; give the shape of each, as in "
         "--input 1x3x224x224 or --input 1x128:int64; in a suite, inputs = [[1, 3, 224, 224]]"),
    ],
)  # fmt: skip
def test_a_factory_that_does_not_do(complaint, source, body, expected):
    assert complaint("net.py:make", folder=source(f"def make(): {body}")) == expected


def test_a_factory_that_has_to_be_given_something_says_what_one_does(complaint, source):
    folder = source("def make(width, depth, bias=True): return nn.Linear(width, depth)")
    message = complaint("net.py:make", (3,), folder=folder, kwargs={"depth": 2})
    assert message == (
        "net.py:make takes width: give --kwargs width=..., in a suite kwargs = { width = ... }, or "
        "name a function that takes nothing and returns the model"
    )


def test_a_file_that_is_no_python_is_named(complaint, source):
    message = complaint("net.py:make", (3,), folder=source("def make(:"))
    assert re.search(r"SyntaxError: .*\(net\.py, line \d+\)", message)


def test_a_factory_that_does_not_know_a_keyword(complaint):
    message = complaint("torch.nn:ReLU", (1,), kwargs={"slope": 1})
    assert message.startswith("torch.nn:ReLU raised TypeError: ") and "'slope'" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def", "loading net.py raised SyntaxError: "),
        ("1 / 0", "loading net.py raised ZeroDivisionError: division by zero"),
        ("import no_such_thing", "loading net.py raised ModuleNotFoundError: No module named 'no_"),
        ("class Network(nn.ReLU): pass", "net.py has no 'Net' (did you mean 'Network'?)"),
        ("Net = [nn.ReLU()]", "net.py:Net is a list, not a class or function that makes a model"),
    ],
)
def test_a_file_that_does_not_do(complaint, source, text, expected):
    assert complaint("net.py:Net", (1,), folder=source(text)).startswith(expected)


# --------------------------------------------------------------------------------- seed suite

CONVOLUTIONS = [1, 64, 128, 256, 256, 512, 512, 512, 512]
TEN = [1, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512]


def stacked(widths: list[int], kernel: int = 1) -> int:
    """Parameters of convolutions (or, of kernel 1, linear layers) one after another."""
    return sum((i * kernel + 1) * o for i, o in pairwise(widths))


@pytest.mark.parametrize(
    ("case_id", "output", "expected"),
    [
        ("vgg11", (1, 1000), 132_863_336),
        ("vgg16", (1, 1000), 138_357_544),
        ("alexnet", (1, 1000), 61_100_840),
        ("alexnet-512", (1, 1000), 61_100_840),
        ("alexnet-batch8", (8, 1000), 61_100_840),
        ("resnet50", (1, 1000), 25_557_032),
        ("googlenet", (1, 1000), 13_004_888),
        ("densenet121", (1, 1000), 7_978_856),
        ("seed002-vgg11", (12, 1000),
         stacked(CONVOLUTIONS, 9) + stacked([512 * 7 * 7, 4096, 4096, 1000])),
        ("seed004-net", (1, 10), stacked(TEN, 9) + stacked([512, 4096, 4096, 10])),
        ("conv-groups1", (1, 6, 2, 2), 6 * (3 * 9 + 1)),
        ("conv-groups3", (1, 6, 2, 2), 6 * (1 * 9 + 1)),
        ("conv-groups1-unbatched", (6, 2, 2), 6 * (3 * 9 + 1)),
        ("conv-groups3-unbatched", (6, 2, 2), 6 * (1 * 9 + 1)),
        ("linear-bias", (4, 10), (64 + 1) * 10),
        ("linear", (4, 10), 64 * 10),
        ("conv-depthwise", (2, 8, 14, 14), 8 * (9 + 1)),
        ("conv-dilated", (2, 8, 15 - 4, 13 - 4), 8 * (4 * 9 + 1)),
        ("conv1d", (2, 8, 17), 8 * (4 * 5 + 1)),
        ("conv3d", (2, 4, 8, 9 - 1, 10), 4 * (3 * 3 * 2 * 1 + 1)),
        ("conv-transposed-grouped", (2, 6, 2 * 7 - 1, 2 * 7 - 1), 4 * 3 * 9 + 6),
    ],
)  # fmt: skip
def test_the_seed_suite_runs_on_meta(case_id, output, expected):
    suite = load("seeds")
    chosen = next(case for case in suite.cases if case.id == case_id)
    built = build(chosen, device="meta", folder=suite.folder)
    assert built.module(*built.args, **built.kwargs).shape == output
    assert parameters(built.module) == expected
