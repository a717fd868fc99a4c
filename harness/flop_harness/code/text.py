"""Models and inputs as Python that one can paste: plain torch, with nothing of the harness in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from flop_harness.code.constructors import positional
from flop_harness.code.literals import CannotWrite, is_float, literal, quoted, tensor
from flop_harness.records import Call, Case, Input, Tensor

WIDTH = 88
NOTHING: Mapping[int | str, int] = MappingProxyType({})
PROVIDERS = {
    "torchvision": ("torchvision", "torchvision.models.get_model"),
    "timm": ("timm", "timm.create_model"),
    "open_clip": ("open_clip", "open_clip.create_model"),
    "diffusers": ("diffusers", "diffusers."),
    "segmentation_models_pytorch": ("segmentation_models_pytorch", "segmentation_models_pytorch."),
    "transformers": ("transformers", "transformers."),
}
"""Provider -> its import, and what makes a model by its name, or holds its class"""
DETECTORS = re.compile(r"(fasterrcnn|fcos|keypointrcnn|maskrcnn|retinanet|ssd|ssdlite)\d*_")
WITH_BACKBONES = re.compile(rf"{DETECTORS.pattern}|(deeplabv3|fcn|lraspp)_")
"""Models of torchvision that take a list of images, and those that load their backbone's weights."""


# ----------------------------------------------------------------------------------- pieces


def joined(*texts: str) -> str:
    """Pieces of code one after the other, their imports at the top, each once."""
    lines = [text.splitlines() for text in texts]
    imports = {line for text in lines for line in text if is_import(line)}
    ordered = sorted(imports, key=lambda line: (line.startswith("from "), line))
    bodies = ["\n".join(line for line in text if not is_import(line)).strip("\n") for text in lines]
    return "\n\n".join(filter(None, ["\n".join(ordered), *bodies])) + "\n"


def is_import(line: str) -> bool:
    return line.startswith(("import ", "from "))


def block(*lines: str) -> str:
    """Lines as a piece, which imports torch if they use it."""
    body = "\n".join(filter(None, lines))
    return f"import torch\n\n{body}" if re.search(r"\btorch\.", body) else body


# ----------------------------------------------------------------------------------- models


def model_code(
    case: Case, given: Call | None = None, device: str = "cpu", seeded: bool = False
) -> str:
    """``model`` and ``args`` (and ``kwargs`` if there are any), as the case has them.

    ``given`` is the call of the whole model, which tells inputs that the case does not; where the
    figure hangs on values, it is ``seeded`` as the harness does. CannotWrite without inputs.
    """
    seed = "torch.manual_seed(0)" if seeded else ""
    if gives_inputs(case) and device == "cpu" and case.dtype in ("", "float32"):
        return joined(built(case), block(seed, *handed_over(case, given), mode(case)))
    inputs = (
        [seed, *case_inputs(case, device)] if case.inputs else usual_inputs(case, given, device)
    )
    return joined(built(case), block(seed, *model_lines(case, device), *inputs))


def gives_inputs(case: Case) -> bool:
    """Whether the factory returns inputs beside the model."""
    return not case.inputs and case.model.partition(":")[0] not in PROVIDERS


def handed_over(case: Case, given: Call | None) -> list[str]:
    """The model with the inputs that its factory returns: as the model is called, or by both."""
    if given is None or (given.args and given.kwargs):
        return [f"model, args, kwargs = {maker(case)}"]
    if given.kwargs:
        return [f"model, *_, kwargs = {maker(case)}", "args = ()"]
    return [
        f"model, inputs, *_ = {maker(case)}",
        "args = (inputs,) if torch.is_tensor(inputs) else tuple(inputs)",
    ]


def built(case: Case) -> str:
    """The import that the model needs; a file's name stands beside it."""
    source, _, name = case.model.rpartition(":")
    if source in PROVIDERS:
        return f"import {PROVIDERS[source][0]}"
    first = name.partition(".")[0]
    if source.endswith(".py"):
        stem = source.rpartition("/")[2].removesuffix(".py")
        return f"from {stem} import {first}  # {source}"
    return "import torch" if source == "torch.nn" else f"from {source} import {first}"


def maker(case: Case) -> str:
    """The call that makes the model."""
    source, _, name = case.model.rpartition(":")
    options = {key: literal(value) for key, value in case.kwargs.items()}
    if source.startswith("torchvision") and WITH_BACKBONES.match(name):
        options.setdefault("weights_backbone", "None")
    if source == "transformers":
        return configured(case, name)
    if source == "segmentation_models_pytorch":
        options["encoder_weights"] = "None"
    if source in PROVIDERS:
        home = PROVIDERS[source][1]
        words = [f"{key}={value}" for key, value in options.items()]
        if home.endswith("."):
            return f"{home}{name}({', '.join(words)})"
        return f"{home}({', '.join([quoted(name), *words])})"
    first = positional(name) if source == "torch.nn" else ()
    words = [options.pop(key) for key in first] if options.keys() >= set(first) else []
    words += [f"{key}={value}" for key, value in options.items()]
    return f"{'torch.nn.' if source == 'torch.nn' else ''}{name}({', '.join(words)})"


def configured(case: Case, name: str) -> str:
    """A model of transformers out of its configuration. CannotWrite for one that a file holds."""
    config = case.kwargs.get("config", {})
    if name.endswith(".json") or not isinstance(config, Mapping):
        raise CannotWrite("a model whose configuration stands in a file")
    kind = f"transformers.{name}"
    made = f"{kind}.config_class(**{literal(dict(config))})" if config else f"{kind}.config_class()"
    further = [f", {key}={quoted(value)}" for key, value in case.kwargs.items()
               if key.endswith("_implementation")]  # fmt: skip
    return f"{kind}._from_config({made}{''.join(further)})"


def mode(case: Case) -> str:
    return f"model{in_mode(case)}" if case.mode else ""


def in_mode(case: Case) -> str:
    """What sets the mode of the case, if it names one."""
    return f".{case.mode}()" if case.mode else ""


def model_lines(case: Case, device: str) -> list[str]:
    to = [f".to(torch.{case.dtype})"] if case.dtype not in ("", "float32") else []
    to += [f'.to("{device}")'] if device != "cpu" else []
    if gives_inputs(case):
        moved = [f"model{''.join(to)}"] if to else []
        return [f"model, *_ = {maker(case)}", mode(case), *moved]
    return [f"model = {maker(case)}{in_mode(case)}{''.join(to)}"]


# ----------------------------------------------------------------------------------- inputs


def case_inputs(case: Case, device: str) -> list[str]:
    """The inputs that the case names, drawn as the harness draws them."""
    positional = [drawn(each, case.dtype, device) for each in case.inputs if not each.name]
    named = [(each.name, drawn(each, case.dtype, device)) for each in case.inputs if each.name]
    if DETECTORS.match(case.model.rpartition(":")[2]) and case.model.startswith("torchvision"):
        batched = [len(each.shape) == 4 for each in case.inputs if not each.name]
        images = [f"*{x}" if many else x for x, many in zip(positional, batched, strict=True)]
        positional = [f"[{', '.join(images)}]"]
    return bound(positional, named)


def usual_inputs(case: Case, given: Call | None, device: str) -> list[str]:
    """The inputs of a model that is called as ``given``, else those that its library knows of."""
    if given is not None:
        return inputs_of(given, device)
    if case.model.startswith("timm:"):
        return ['args = (torch.rand(1, *model.default_cfg["input_size"]),)']
    raise CannotWrite("inputs that neither the case nor a call tells")


def inputs_of(
    call: Call, device: str = "cpu", shared: Mapping[int | str, int] = NOTHING
) -> list[str]:
    """``args`` and ``kwargs`` like those of a recorded call, with other values.

    ``shared`` tells which inputs, by position or name, are one tensor: those with one number, of
    which at most one number stands for several.
    """
    inputs = dict(inputs_by_key(call))
    words = {key: literal(value, device) for key, value in inputs.items()}
    numbers = list(shared.values())
    again = [key for key, number in shared.items() if numbers.count(number) > 1]
    lines = [f"x = {words[again[0]]}"] if again else []
    words.update(dict.fromkeys(again, "x"))
    positional = [word for key, word in words.items() if isinstance(key, int)]
    return [*lines, *bound(positional, [(k, w) for k, w in words.items() if isinstance(k, str)])]


def inputs_by_key(call: Call) -> Iterator[tuple[int | str, Any]]:
    """Every input of a call, by its position or its name."""
    yield from enumerate(call.args)
    yield from call.kwargs


def bound(positional: Sequence[str], named: Sequence[tuple[str, str]]) -> list[str]:
    pairs = [f"{quoted(name)}: {value}" for name, value in named]
    lines = [assigned("args", "(", positional, ")")]
    return [*lines, assigned("kwargs", "{", pairs, "}")] if named else lines


def assigned(name: str, left: str, parts: Sequence[str], right: str) -> str:
    comma = "," if len(parts) == 1 and left == "(" else ""
    line = f"{name} = {left}{', '.join(parts)}{comma}{right}"
    if len(line) <= WIDTH or len(parts) < 2:
        return line
    return "\n".join([f"{name} = {left}", *(f"    {part}," for part in parts), right])


def drawn(given: Input, dtype: str, device: str) -> str:
    kind = given.dtype or dtype
    if kind == "bool" or is_float(kind):
        return literal(Tensor(given.shape, kind), device)
    return tensor(f"torch.randint({given.high}, {given.shape}", kind, "int64", device)


# ------------------------------------------------------------------------------- other forms


def recast(given: Call, own: Call) -> list[str]:
    """Lines that bring the inputs of a case into the form in which a counter passes them on."""
    names, own_names = ([name for name, _ in call.kwargs] for call in (given, own))
    moved = [name for name in own_names if name not in names]
    if moved:
        if own.args or len(moved) != len(given.args):
            raise CannotWrite("inputs of which only some are named")
        return [f"kwargs = {named_inputs(moved, bool(names))}"]
    further = own.args[len(given.args) :]
    if further:
        return [f"args = (*args, {', '.join(taken(given.kwargs, further))})"]
    return []


def named_inputs(names: Sequence[str], others: bool) -> str:
    pairs = [f"{quoted(name)}: args[{place}]" for place, name in enumerate(names)]
    return "{" + ", ".join([*pairs, *(["**kwargs"] if others else [])]) + "}"


def taken(named: Iterable[tuple[str, Any]], values: Sequence[Any]) -> list[str]:
    """Which of the named inputs the further positional ones are."""
    left = dict(named)
    words = []
    for value in values:
        name = next((name for name, each in left.items() if each == value), None)
        if name is None:
            raise CannotWrite("a positional input that the case does not have")
        del left[name]
        words.append(f"kwargs[{quoted(name)}]")
    return words
