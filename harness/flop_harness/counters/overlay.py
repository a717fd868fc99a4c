"""Packages in a folder of their own, put first on the path of one process.

Two distributions that install the same package folder, or two versions of one, can so be asked in
the same run. Installed on first use into a cache: ``$FLOP_HARNESS_CACHE``, else the user's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

COMPLETE = ".complete"


class NotInstallable(Exception):
    """pip could not install an overlay; the text is its last word."""


def cache_folder() -> Path:
    chosen = os.environ.get("FLOP_HARNESS_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flop-harness" / "overlays"


def folder_of(requirements: tuple[str, ...]) -> Path:
    """Where these requirements are, or would be, installed for this Python."""
    text = " ".join(requirements)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", text)[:60]
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return cache_folder() / python / f"{name}-{digest}"


def missing(requirements: tuple[str, ...]) -> str:
    """What has yet to be installed of an overlay, in words; empty where nothing has."""
    if not requirements or (folder_of(requirements) / COMPLETE).exists():
        return ""
    return ", ".join(requirements)


def ensure(requirements: tuple[str, ...]) -> Path:
    """The folder that holds ``requirements``, without their own dependencies."""
    folder = folder_of(requirements)
    if (folder / COMPLETE).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / COMPLETE).exists():
            install(requirements, folder)
    return folder


def install(requirements: tuple[str, ...], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        target = Path(scratch) / "packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps",
                   "--disable-pip-version-check", "--target", str(target), *requirements]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            last = errors[-1] if errors else f"pip ended with {done.returncode}"
            raise NotInstallable(f"{' '.join(requirements)} cannot be installed: {last}")
        (target / COMPLETE).touch()
        target.rename(folder)


def version_in(folder: Path, distribution: str) -> str:
    """The version of a distribution in an overlay; empty if it is not there."""
    wanted = normalised(distribution)
    for found in metadata.distributions(path=[str(folder)]):
        if normalised(found.metadata["Name"]) == wanted:
            return found.version
    return ""


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def put_first(folder: Path) -> None:
    """Make this process, and only it, import from the overlay first."""
    sys.path.insert(0, str(folder))
