"""Peaks of devices out of a TOML file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from flop_harness.errors import UserError, suggest
from flop_harness.records.units import parse_figure
from flop_harness.records.utilisation import Peak
from flop_harness.suite.files import home
from flop_harness.suite.toml import Vocabulary, convert, read

SPARSE = "-sparse"
SAME = Fraction(1, 100)
"""Two figures within this share of one another are one peak, rounded."""

Text = Annotated[str, Meta(min_length=1)]


class _Device(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Text
    name: Text
    memory: Text
    bandwidth: Text
    dense: dict[str, str]
    sparse: dict[str, str] = {}
    source: Text


class _File(msgspec.Struct, forbid_unknown_fields=True):
    device: list[_Device]


WORDS = Vocabulary(frozenset((*_File.__struct_fields__, *_Device.__struct_fields__)))


@lru_cache(maxsize=1)
def known() -> dict[str, Peak]:
    """All peaks by id, such as ``H100-bf16`` and ``H100-bf16-sparse``."""
    path = home() / "language" / "peaks.toml"
    _, document = read(path)
    file = convert(document, _File, str(path), WORDS)
    return {peak.id: peak for device in file.device for peak in _peaks(device)}


def find(text: str, dtype: str = "bf16") -> Peak:
    """A peak by name, or a number of FLOP/s such as ``989e12``.

    UserError for a name that is not known, and for a number that is a sparse peak of the type.
    """
    for name in (text, *(each for each in known() if each.lower() == text.lower())):
        if name in known():
            return known()[name]
    of_device = [
        peak.id for peak in known().values() if peak.id.lower() == f"{text}-{peak.dtype}".lower()
    ]
    if of_device:
        raise UserError(f"{text!r} names no number type: {', '.join(of_device)}")
    if not re.match(r"[\d.]", text):
        raise UserError(f"no peak {text!r}{suggest(text, known())}: see flop-harness list peaks")
    try:
        value = parse_figure(text).value
    except UserError as error:
        raise UserError(
            f"{text!r} is no peak: give a name, or FLOP/s as a number such as 989e12"
        ) from error
    if not 10**9 <= value <= 10**18:
        raise UserError(f"a peak of {text} FLOP/s: it is given in FLOP/s, such as 989e12")
    _refuse_sparse(text, value, dtype)
    return Peak(text, "a peak given by hand", dtype, value, source="given by hand")


def _refuse_sparse(text: str, value: Fraction, dtype: str) -> None:
    """A number that is nobody's dense peak of the type, and somebody's sparse one; of no type if it is of none."""
    near = [peak for peak in known().values() if abs(value / peak.flops - 1) <= SAME]
    like = [peak for peak in near if peak.dtype == dtype] or near
    if like and all(peak.sparse for peak in like):
        name = like[0].id
        dense = known()[name.removesuffix(SPARSE)]
        others = [peak.id for peak in near if not peak.sparse]
        beside = f"; as a dense peak it is {others[0]}" if others else ""
        raise UserError(
            f"{text} FLOP/s is {name}{beside}; the dense peak is {float(dense.flops / 10**12):g}e12: say --peak"
            f" {dense.id}, or --peak {name} if you mean it"
        )


def _peaks(device: _Device) -> Iterator[Peak]:
    for mark, figures in (("", device.dense), (SPARSE, device.sparse)):
        for dtype, figure in figures.items():
            yield Peak(
                f"{device.id}-{dtype}{mark}", device.name, dtype,
                parse_figure(figure).value * 10**12, bool(mark),
                parse_figure(device.bandwidth).value * 10**9,
                parse_figure(device.memory).value * 10**9, device.source,
            )  # fmt: skip
