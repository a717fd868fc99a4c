"""Writing files that are either whole or not there."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flop_harness.errors import UserError

ROOM = "; make room and run it again: what was written before stands"
PLACE = "; name a folder that can be written"
REMEDIES = {
    errno.ENOSPC: ROOM, errno.EDQUOT: ROOM, errno.EFBIG: ROOM,
    errno.EACCES: PLACE, errno.EPERM: PLACE, errno.EROFS: PLACE, errno.ENOTDIR: PLACE,
    errno.EEXIST: PLACE,
}  # fmt: skip


def write_atomically(path: Path | str, content: bytes) -> None:
    """Replace the file by ``content``, making its folder; whoever reads sees the old or the new.

    UserError with path and reason where that cannot be done; the old content then stands.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with blamed(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_durably(draft, content)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def require_writable(folder: Path) -> None:
    """UserError, before long work, where no file can be written below ``folder``; none is left."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    with blamed(folder), tempfile.TemporaryFile(dir=there):
        pass


@contextmanager
def blamed(path: Path) -> Iterator[None]:
    """An OSError within is the user's to mend: a UserError that names path, reason and remedy."""
    try:
        yield
    except OSError as error:
        remedy = REMEDIES.get(error.errno or 0, "")
        raise UserError(f"cannot write {path}: {reason_of(error, path)}{remedy}") from error


def reason_of(error: OSError, path: Path) -> str:
    """What is in the way, where a file stands in the place of a folder; else what the system says."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        for place in (path, *path.parents):
            if place.is_file():
                return f"{place} is a file"
    return error.strerror or str(error)
