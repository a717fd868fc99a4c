"""``transformers:CLASS`` and ``transformers:path/config.json``: built from configuration, weights random.

A case's kwargs: ``config`` (keys of the configuration, or the path of a ``config.json``; without it
the class's defaults), ``attn_implementation``, ``experts_implementation``, ``length`` and ``batch``
of the inputs that are made, ``cache`` ("dynamic", "static", or quantised: "fp8", "quanto", "hqq") with
``past`` for a step of decoding.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError, suggest, warn
from flop_harness.suite.collection import uncollected
from flop_harness.suite.configured import decoding, inputs
from flop_harness.suite.importing import find_file
from flop_harness.suite.providers.provider import Provider, library
from flop_harness.suite.recipe import Recipe

PLACE = (
    "{!r} is a place on the net, and nothing is downloaded: name a class, as in "
    "transformers:LlamaForCausalLM, or the model's configuration, as in transformers:path/config.json"
)


@cache
def names() -> list[str]:
    """The classes of every automatic mapping of the library."""
    auto = library("transformers.models.auto.modeling_auto")
    mappings = [each for name, each in vars(auto).items() if name.endswith("_MAPPING_NAMES")]
    found = [name for mapping in mappings for name in mapping.values()]
    return sorted({name for each in found for name in ([each] if isinstance(each, str) else each)})


def recipe(name: str, roots: Sequence[str] = (".",)) -> Recipe:
    library("transformers")
    if name.endswith(".json"):
        return Recipe(partial(of_file, name, roots), fits=inputs.refuse_beyond)
    return Recipe(partial(of_class, model_class(name), roots=roots), fits=inputs.refuse_beyond)


def model_class(name: str) -> Any:
    transformers = library("transformers")
    if "/" in name and Path(name).is_dir():
        raise UserError(
            f"{name!r} is a folder: name the configuration in it, as in transformers:{name}/config.json"
        )
    if "/" in name:
        raise UserError(PLACE.format(name))
    with uncollected():  # the file of a model is imported as its class is named
        found: Any = getattr(transformers, name, None)
    if not isinstance(found, type) or not hasattr(found, "_from_config"):
        raise UserError(f"transformers has no model {name!r}{suggest(name, names())}")
    try:
        config: Any = getattr(found, "config_class", None)  # raises where a package is missing
    except ImportError as error:
        raise UserError(f"transformers:{name}: {' '.join(str(error).split())}") from error
    if config is None:
        raise UserError(
            f"transformers:{name} has no configuration of its own: name a model's class"
        )
    return found


def of_file(name: str, roots: Sequence[str], **options: Any) -> Any:
    """The model that a ``config.json`` describes: of its first architecture, else of its type."""
    found = read(name, roots)
    kind, architectures = found.get("model_type"), found.get("architectures") or []
    types = library("transformers.models.auto.configuration_auto").CONFIG_MAPPING_NAMES
    if not isinstance(kind, str):
        raise UserError(f"{name}: no configuration of a model: 'model_type' is missing")
    if kind not in types:
        raise UserError(f"{name}: transformers has no model type {kind!r}{suggest(kind, types)}")
    first = [*architectures, *classes_of(kind)]
    if not first:
        raise UserError(f"{name}: no architecture is named: name a class, with config = {name!r}")
    if not architectures:
        warn(f"{name} names no architecture: {first[0]} is built of it")
    changed = options.pop("config", {})
    configuration(model_class(first[0]), changed)
    return of_class(model_class(first[0]), config=found | changed, checked=False, **options)


def classes_of(kind: str) -> list[str]:
    """The classes of a type, the usual first: with logits where it is a decoder, else the base model."""
    auto = library("transformers.models.auto.modeling_auto")
    causal, masked = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    mappings = [auto.MODEL_MAPPING_NAMES]
    if kind not in masked and kind not in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        mappings.insert(0, causal)  # an encoder has a class for it too, which is not what it is for
    found = [mapping[kind] for mapping in mappings if kind in mapping]
    return [name for each in found for name in ([each] if isinstance(each, str) else each)]


def read(name: str, roots: Sequence[str]) -> dict[str, Any]:
    try:
        found = json.loads(find_file(name, roots).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{name}: no configuration in JSON: {error}") from error
    if not isinstance(found, dict):
        raise UserError(f"{name}: no configuration of a model: it holds no object")
    return found


def of_class(
    model: Any,
    *,
    roots: Sequence[str] = (".",),
    config: Mapping[str, Any] | str = (),  # type: ignore[assignment]
    length: int | None = None,
    batch: int = 1,
    cache: str = "",
    past: int = 0,
    checked: bool = True,
    **implementations: str,
) -> tuple[Any, tuple, dict[str, Any]]:
    """(model, (), inputs) as its configuration and these options say. UserError for what does not fit."""
    keys = read(config, roots) if isinstance(config, str) else dict(config)
    allowed = {"attn_implementation", "experts_implementation"}
    if unknown := sorted(set(implementations) - allowed):
        known = (*allowed, "config", "length", "batch", "cache", "past")
        raise UserError(f"kwargs.{unknown[0]}: no option of a model{suggest(unknown[0], known)}")
    made = configuration(model, keys, checked=checked and not isinstance(config, str))
    with weights_skipped():
        module = model._from_config(made, **implementations)
    module.tie_weights()  # part of what was skipped
    module.eval()
    if cache or past:
        return (
            module,
            (),
            decoding.step_of_decoding(module, cache or "dynamic", past, batch, length),
        )
    return module, (), inputs.made_for(module, length, batch)


def configuration(model: Any, keys: Mapping[str, Any], checked: bool = True) -> Any:
    """A model's configuration with these keys over its defaults; UserError for what looks like a slip.

    A key without a default that the model's code reads is none. A file's keys are taken as they are:
    published ones hold more than a class has defaults for.
    """
    kind = model.config_class
    plain = kind()
    known = {*plain.to_dict(), *plain.attribute_map, *vars(plain)}
    for key in keys if checked else ():
        near = suggest(key, known)
        if key not in known and near and not reads(model, key):
            raise UserError(f"kwargs.config: {kind.__name__} has no key {key!r}{near}")
    return kind(**{key: value for key, value in keys.items() if key != "model_type"})


def reads(model: Any, key: str) -> bool:
    """Whether the file that a model's class stands in reads such a key of a configuration."""
    return f"config.{key}" in inspect.getsource(sys.modules[model.__module__])


def weights_skipped() -> Any:
    """On meta no weight is drawn."""
    import torch

    if torch.get_default_device().type != "meta":
        return nullcontext()
    return library("transformers.initialization").no_init_weights()


PROVIDER = Provider("transformers", "transformers", names, recipe, ("pretrained",))
