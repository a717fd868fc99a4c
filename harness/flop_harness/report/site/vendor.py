"""The libraries that pages use, taken from the package registry when a site is built.

Each is pinned by version and by digest; once fetched it is kept, and nothing is fetched again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from flop_harness.errors import UserError
from flop_harness.store import write_atomically


@dataclass(frozen=True, slots=True)
class Library:
    """A file of a published package, under the name that pages load it by."""

    name: str
    package: str
    version: str
    file: str
    digest: str
    """sha256 of the file"""


LIBRARIES = (
    Library(
        "d3.js",
        "d3",
        "7.9.2",
        "dist/d3.min.js",
        "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1",
    ),
    Library(
        "plot.js",
        "@observablehq/plot",
        "0.6.17",
        "dist/plot.umd.min.js",
        "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
    ),
    Library(
        "minisearch.js",
        "minisearch",
        "7.2.0",
        "dist/umd/index.js",
        "03c27931eb603af1d3358579e9885eafdb6a2f5fa9929557b3e77d7e99d06d03",
    ),
    Library(
        "tabulator.js",
        "tabulator-tables",
        "6.5.3",
        "dist/js/tabulator.min.js",
        "ffac518cb793c672a2f0522b7fc80bf862234d96bb1e581c8aaf7f48f130eafa",
    ),
    Library(
        "tabulator.css",
        "tabulator-tables",
        "6.5.3",
        "dist/css/tabulator.min.css",
        "405ae24218357d80df2a5f3addf138666d035f970dac4ebdb0265d0b5373efcb",
    ),
    Library(  # for the search of the documentation, where it is opened from a file
        "iframe-worker.js",
        "iframe-worker",
        "1.0.4",
        "shim/index.js",
        "e8e412dbcfea9b7e31b5ffa288d7b6035915e714c542f4176a0cdbe262fc9609",
    ),
)


def libraries(keep: Path) -> dict[str, bytes]:
    """Name -> content of every library; those that are not in ``keep`` are fetched into it.

    UserError where npm is not there, finds no such package, or gives another file than the pinned.
    """
    missing = [each for each in LIBRARIES if digest_of(keep / each.name) != each.digest]
    for package in dict.fromkeys((each.package, each.version) for each in missing):
        fetch(*package, [each for each in missing if (each.package, each.version) == package], keep)
    return {each.name: (keep / each.name).read_bytes() for each in LIBRARIES}


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def fetch(package: str, version: str, wanted: list[Library], keep: Path) -> None:
    """The wanted files of one package, each held against its digest."""
    if shutil.which("npm") is None:
        raise UserError("npm is needed to fetch the libraries of the site: install Node.js")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{package}@{version}", "--silent", "--pack-destination", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        packed = [name for name in os.listdir(folder) if name.endswith(".tgz")]
        if done.returncode or not packed:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise UserError(f"npm cannot fetch {package} {version}: {last}")
        with tarfile.open(Path(folder) / packed[0]) as archive:
            for each in wanted:
                member = archive.extractfile(f"package/{each.file}")
                content = member.read() if member else b""
                if hashlib.sha256(content).hexdigest() != each.digest:
                    raise UserError(f"{each.file} of {package} {version} is not the file it was")
                write_atomically(keep / each.name, content)
