"""Which machine this is: a salted hash of what tells it from others. What goes in is never kept.

Two machines of one name are two machines. Clones of one image may hash alike: what is committed is
therefore never taken for one's own either (``flop_harness.run.commits``).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SALT = "flop-harness machine 1"
UNSET = ("", "uninitialized")
"""What systemd writes into ``/etc/machine-id`` of an image before its first boot"""
GIB = 2**30


def machine_id(description: Mapping[str, Any], root: Path = Path("/")) -> str:
    """Eight hexadecimal digits, the same on each call and after a restart.

    ``description`` are processor, cores and memory. Where ``/etc/machine-id`` is missing, facts of
    the running boot stand for it, and a restart makes another machine.
    """
    facts = {
        "hardware": hardware(description),
        "addresses": hardware_addresses(root),
        "id": installed_id(root) or boot_id(root) or platform.node(),
    }
    told = json.dumps([SALT, facts], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def hardware(description: Mapping[str, Any]) -> list[Any]:
    """Memory in whole GiB: what a kernel keeps for itself changes with its release."""
    names = ("architecture", "processor", "logical_cores", "physical_cores")
    return [*map(description.get, names), round((description.get("memory_bytes") or 0) / GIB)]


def installed_id(root: Path) -> str:
    found = text_of(root / "etc/machine-id")
    return "" if found in UNSET else found


def boot_id(root: Path) -> str:
    return text_of(root / "proc/sys/kernel/random/boot_id")


def hardware_addresses(root: Path) -> list[str]:
    """MAC addresses of network devices; interfaces without a device are made up as they come."""
    found = (root / "sys/class/net").glob("*/device")
    return sorted(text_of(device.parent / "address") for device in found)


def text_of(path: Path) -> str:
    """The content of a file, empty where it is missing or not to be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
