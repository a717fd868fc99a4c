"""What README.md and docs/pages hold of the code's own words, written anew: python docs/refresh.py

Blocks of commands with what they print (docs/blocks.py), the keys of files between
``<!-- keys: NAME -->`` and ``<!-- end of keys -->`` (docs/keys.py), and whole pages (docs/lookup.py).
They stand in the files themselves, because they are read in the repository too; tests hold them current.
"""

from __future__ import annotations

import re

from blocks import ROOT, with_entry, with_output
from keys import reference
from lookup import LOOKUP, page

README = ROOT / "README.md"
PAGES = ROOT / "docs" / "pages"
KEYS = re.compile(r"^<!-- keys: (\w+) -->$.*?^<!-- end of keys -->$", re.MULTILINE | re.DOTALL)


def with_keys(text: str) -> str:
    """With the keys that files may have now."""

    def told(found: re.Match[str]) -> str:
        return f"<!-- keys: {found[1]} -->\n\n{reference(found[1])}\n\n<!-- end of keys -->"

    return KEYS.sub(told, text)


def current(text: str) -> str:
    """A written page with all that it holds of the code."""
    return with_keys(with_entry(with_output(text)))


if __name__ == "__main__":
    for name in LOOKUP:
        (PAGES / name).write_text(page(name))
    for file in [README, *sorted(PAGES.glob("*.md"))]:
        if file.name not in LOOKUP:
            file.write_text(current(file.read_text()))
