"""Accounts: what a convention charges, itemised; they add and subtract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""(module path, term)"""


class Account(Mapping[Key, int | float]):
    """An immutable mapping of (module path, term) to an amount; zero entries are dropped.

    >>> charged = Account.of([("fc", "linear", 20), ("fc", "linear bias", 5)])
    >>> (charged - Account.of([("fc", "linear", 20)])).by_term()
    {'linear bias': 5}
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[Key, int | float] = {}) -> None:
        self._entries = {key: amount for key, amount in entries.items() if amount}

    @classmethod
    def of(cls, charges: Iterable[tuple[str, str, int | float]]) -> Account:
        """Add up (module path, term, amount) charges."""
        entries: dict[Key, int | float] = defaultdict(int)
        for path, term, amount in charges:
            entries[path, term] += amount
        return cls(entries)

    def __getitem__(self, key: Key) -> int | float:
        return self._entries[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __add__(self, other: Account) -> Account:
        return Account.of(charge for account in (self, other) for charge in account.charges())

    def __neg__(self) -> Account:
        return self.scaled(-1)

    def __sub__(self, other: Account) -> Account:
        return self + -other

    def __repr__(self) -> str:
        return f"Account({self._entries!r})"

    def charges(self) -> Iterator[tuple[str, str, int | float]]:
        return ((path, term, amount) for (path, term), amount in self._entries.items())

    def scaled(self, factor: int) -> Account:
        return Account({key: amount * factor for key, amount in self._entries.items()})

    @property
    def total(self) -> int | float:
        return sum(self._entries.values())

    def by_term(self) -> dict[str, int | float]:
        return self._grouped(lambda key: key[1])

    def by_module(self, depth: int | None = None) -> dict[str, int | float]:
        """Own amounts of each module; with ``depth``, those below it folded into it."""
        return self._grouped(lambda key: truncated(key[0], depth))

    def inclusive(self) -> dict[str, int | float]:
        """Each module's amount including everything below it; the root is ``""``."""
        sums: dict[str, int | float] = defaultdict(int)
        for (path, _), amount in self._entries.items():
            for ancestor in lineage(path):
                sums[ancestor] += amount
        return dict(sums)

    def of_term(self, term: str) -> dict[str, int | float]:
        """Amounts of one term by module path."""
        return {path: amount for (path, name), amount in self._entries.items() if name == term}

    def _grouped(self, group) -> dict[str, int | float]:
        sums: dict[str, int | float] = defaultdict(int)
        for key, amount in self._entries.items():
            sums[group(key)] += amount
        return dict(sums)


def lineage(path: str) -> Iterator[str]:
    """``a.b.c`` -> ``""``, ``a``, ``a.b``, ``a.b.c``."""
    yield ""
    parts = path.split(".") if path else []
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def truncated(path: str, depth: int | None) -> str:
    return path if depth is None else ".".join(path.split(".")[:depth])
