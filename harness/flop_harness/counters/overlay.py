"""Packages in a folder of their own, put first on the path of one process.

Two distributions that install the same package folder, or two versions of one, can so be asked in
the same run. Installed on first use into a cache: ``$FLOP_HARNESS_CACHE``, else the user's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_version

COMPLETE = ".complete"
PATIENCE_S = 600.0
"""For pip"""


class NotInstallable(Exception):
    """pip could not install an overlay; the text is its last word."""


def cache_folder() -> Path:
    chosen = os.environ.get("FLOP_HARNESS_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flop-harness" / "overlays"


def folder_of(requirements: tuple[str, ...]) -> Path:
    """Where these requirements are, or would be, installed for this Python.

    Inside a folder ``site-packages``, so that they are taken for installed, not for the user's code.
    """
    text = " ".join(requirements)
    name = re.sub(r"[^A-Za-z0-9.]+", "-", text)[:60]
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    return cache_folder() / python / "site-packages" / f"{name}-{digest}"


def missing(requirements: tuple[str, ...]) -> str:
    """What has yet to be installed of an overlay, in words; empty where nothing has."""
    return "" if is_whole(requirements, folder_of(requirements)) else ", ".join(requirements)


def installing(name: str, requirements: tuple[str, ...]) -> str:
    """What is about to be installed for a counter, to be told; empty where nothing is."""
    lacking = missing(requirements)
    return f"{name}: installing {lacking} for it, once" if lacking else ""


def ensure(requirements: tuple[str, ...]) -> Path:
    """The folder that holds ``requirements``, without their own dependencies.

    What an installation that was cut off has left, or what was damaged since, is installed anew.
    Raises NotInstallable.
    """
    folder = folder_of(requirements)
    if is_whole(requirements, folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / f"{folder.name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_whole(requirements, folder):
                install(requirements, folder)
    except OSError as error:
        place = f"{cache_folder()}: {error.strerror or error}"
        raise NotInstallable(
            f"{' '.join(requirements)} cannot be installed into {place}; "
            "FLOP_HARNESS_CACHE names another folder"
        ) from error
    return folder


_whole: set[Path] = set()  # found whole before: to look takes a while


def found_whole() -> frozenset[Path]:
    """The folders that this process knows to be whole."""
    return frozenset(_whole)


def take_as_whole(folders: Iterable[Path]) -> None:
    """Folders that another process has found whole just now."""
    _whole.update(folders)


def is_whole(requirements: tuple[str, ...], folder: Path) -> bool:
    """Whether a folder holds all that was asked for, in these versions, with all their modules."""
    if folder in _whole and (folder / COMPLETE).exists():
        return True
    if requirements and not ((folder / COMPLETE).exists() and holds(folder, requirements)):
        return False
    _whole.add(folder)
    return True


def holds(folder: Path, requirements: tuple[str, ...]) -> bool:
    found = {normalised(each.metadata["Name"] or ""): each
             for each in distributions_in(folder)}  # fmt: skip
    wanted = [text.partition("==") for text in requirements]
    return all(
        (there := found.get(normalised(name))) is not None
        and (not version or canonical(there.version) == canonical(version))
        and all(there.locate_file(file).is_file() for file in modules_of(there))  # type: ignore[attr-defined]
        for name, _, version in wanted
    )


def distributions_in(folder: Path) -> Iterable[metadata.Distribution]:
    """By Python's own finder: the package importlib_metadata puts another in its place, which raises
    where metadata are damaged.
    """
    context = metadata.DistributionFinder.Context(path=[str(folder)])
    return metadata.MetadataPathFinder.find_distributions(context)


def canonical(version: str) -> str:
    return canonicalize_version(version.strip())


def modules_of(distribution: metadata.Distribution) -> Iterator[str]:
    """The Python files that a distribution says it has."""
    names = map(str, distribution.files or ())
    return (name for name in names if name.endswith(".py") and not name.startswith(".."))


def install(requirements: tuple[str, ...], folder: Path) -> None:
    """With the folder's lock held. Raises NotInstallable."""
    for stale in folder.parent.glob(f".{folder.name}-*"):  # of an installation that was killed
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        target = Path(scratch) / "packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-input",
                   "--disable-pip-version-check", "--target", str(target), *requirements]  # fmt: skip
        why = complaint(command)
        if not why and not holds(target, requirements):
            why = "pip installed something else"
        if why:
            raise NotInstallable(f"{' '.join(requirements)} cannot be installed: {why}")
        (target / COMPLETE).touch()
        if folder.exists():
            folder.rename(Path(scratch) / "spoilt")
        target.rename(folder)


def complaint(command: list[str]) -> str:
    """Why pip did not do what it was told, in its last words; empty where it did."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", check=False, timeout=PATIENCE_S)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"pip was not done within {PATIENCE_S:g} s"
    if not done.returncode:
        return ""
    if "No module named pip" in done.stderr:
        return f"this Python has no pip ({sys.executable} -m ensurepip)"
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else f"pip ended with {done.returncode}"


def version_in(folder: Path, distribution: str) -> str:
    """The version of a distribution in an overlay; empty if it is not there."""
    try:
        installed_ns = (folder / COMPLETE).stat().st_mtime_ns
    except OSError:
        return version_found(folder, distribution)
    return version_kept(folder, distribution, installed_ns)


@cache
def version_kept(folder: Path, distribution: str, installed_ns: int) -> str:
    """Found once for an installation: to read what tells it takes a while."""
    return version_found(folder, distribution)


def version_found(folder: Path, distribution: str) -> str:
    versions = (each.version for each in distributions_in(folder) if is_of(each, distribution))
    return next(versions, "")


def is_of(found: metadata.Distribution, distribution: str) -> bool:
    return normalised(found.metadata["Name"] or "") == normalised(distribution)


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def put_first(folder: Path, distribution: str) -> None:
    """Make this process, and only it, import from the overlay first.

    What the caller has imported under the names of ``distribution`` is another release, or another
    tool of that name: it is forgotten.
    """
    sys.path.insert(0, str(folder))
    names = {Path(file).parts[0].removesuffix(".py")
             for each in distributions_in(folder) if is_of(each, distribution)
             for file in modules_of(each)}  # fmt: skip
    for name in [each for each in sys.modules if each.partition(".")[0] in names]:
        del sys.modules[name]
