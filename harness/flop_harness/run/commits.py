"""Results as they were committed, by git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(folder: Path, *command: str) -> bytes | None:
    """What git prints when asked in ``folder``; None where it is missing or refuses."""
    # A hook's GIT_DIR would make git answer for another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        answer = subprocess.run(["git", *command], cwd=folder, env=environment, capture_output=True)
    except OSError:
        return None
    return answer.stdout if answer.returncode == 0 else None


def committed_files(folder: Path) -> list[str]:
    """Files below ``folder`` that the last commit holds, relative to it; none outside a checkout."""
    if not folder.is_dir():
        return []
    found = git(folder, "ls-tree", "-r", "-z", "--name-only", "HEAD", ".")
    return [] if found is None else [name.decode() for name in found.split(b"\0") if name]


def committed(file: Path) -> bytes | None:
    """The content of a file in the last commit; None where it is not there."""
    if not file.parent.is_dir():
        return None
    return git(file.parent, "show", f"HEAD:./{file.name}")


def is_committed(file: Path) -> bool:
    """Whether the file is as the last commit holds it, which is how a clone begins."""
    content = committed(file)
    return content is not None and file.is_file() and file.read_bytes() == content
