"""What README.md and pages hold of the code's own words, written anew: python docs/refresh.py

A block of README.md that begins with ``$ flop-harness ...`` holds what that prints at 80 columns.
Between ``<!-- keys: NAME -->`` and ``<!-- end of keys -->`` a page holds the keys of such files. Both
stand in the files themselves, because they are read in the repository too; a test holds them current.
"""

from __future__ import annotations

import re

from directives import ROOT, run
from keys import reference

README = ROOT / "README.md"
PAGES = ROOT / "docs" / "pages"
BLOCK = re.compile(r"^```console\n\$ (flop-harness .*)\n(?:(?!\$ |```).*\n)*```$", re.MULTILINE)
KEYS = re.compile(r"^<!-- keys: (\w+) -->$.*?^<!-- end of keys -->$", re.MULTILINE | re.DOTALL)


def with_output(text: str) -> str:
    """With what its commands print now."""
    return BLOCK.sub(lambda found: run(found[1]), text)


def with_keys(text: str) -> str:
    """With the keys that files may have now."""

    def told(found: re.Match[str]) -> str:
        return f"<!-- keys: {found[1]} -->\n\n{reference(found[1])}\n\n<!-- end of keys -->"

    return KEYS.sub(told, text)


if __name__ == "__main__":
    README.write_text(with_output(README.read_text()))
    for page in sorted(PAGES.glob("*.md")):
        page.write_text(with_keys(page.read_text()))
