"""What the figures were measured on: the machine and the versions, nothing about its owner."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flop_harness.counters import installed
from flop_harness.run.commits import git
from flop_harness.run.machine_id import machine_id

PACKAGE = Path(__file__).resolve().parents[1]
NOISE = re.compile(r"\((?:r|tm)\)|@.*|\b(?:cpu|processor|with .*|\d+-core)\b")
"""What processor names hold besides the processor's name."""


def describe(distributions: Iterable[str]) -> dict[str, Any]:
    """The environment as plain data: date, machine, OS, Python, torch, GPUs, versions, git commit.

    ``distributions`` are installed packages by name; the version of a missing one is None.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "os": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "torch": describe_torch(),
        "gpus": gpu_names(),
        "versions": {name: version(name) for name in sorted(set(distributions))},
        "harness": version("flop-harness"),
        "git": describe_checkout(PACKAGE),
    }


def machine_name(description: Mapping[str, Any]) -> str:
    """A name fit for a folder: ``cpu-2-core-amd-epyc-1f0c9a27``, the machine's id at its end."""
    return f"{kind_of_machine(description)}-{description['machine']['id']}"


def kind_of_machine(description: Mapping[str, Any]) -> str:
    """What others may have too: ``cpu-2-core-amd-epyc``, ``gpu-nvidia-h100-80gb-hbm3``."""
    gpus, machine = description["gpus"], description["machine"]
    if gpus:
        count = [str(len(gpus))] if len(gpus) > 1 else []
        return slug(" ".join(["gpu", *count, gpus[0]]))
    cores = machine["physical_cores"] or machine["logical_cores"]
    return slug(f"cpu {cores} core {NOISE.sub(' ', machine['processor'].lower())}")


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def version(distribution: str) -> str | None:
    """The installed version of a distribution, None where it is missing."""
    return installed(distribution) or None


# ------------------------------------------------------------------------------------ parts


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, and the hash by which this machine is known again."""
    import psutil

    found = {
        "architecture": platform.machine(),
        "processor": processor_model(),
        "logical_cores": psutil.cpu_count(logical=True),
        "physical_cores": psutil.cpu_count(logical=False),
        "memory_bytes": psutil.virtual_memory().total,
    }
    return {**found, "id": machine_id(found)}


def processor_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor as Linux names it; elsewhere as the platform does."""
    if cpuinfo.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)
        if match:
            return match[1].strip()
    return platform.processor() or platform.machine()


def describe_torch() -> dict[str, Any]:
    import torch

    return {
        "version": str(torch.__version__),
        "cuda_build": torch.version.cuda,
        "mkldnn": torch.backends.mkldnn.is_available(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
    }


def gpu_names() -> list[str]:
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def describe_checkout(package: Path) -> dict[str, Any] | None:
    """Commit of the checkout that ``package`` belongs to, and whether anything differs from it.

    None outside one, also for a package installed somewhere inside a repository that does not
    track it. ``results/`` does not count as a difference: writing it is what a run does.
    """
    if git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = git(package, "rev-parse", "HEAD")
    changes = git(package, "status", "--porcelain", "--", ":/", ":(top,exclude)results")
    return None if commit is None else {"commit": commit.decode().strip(), "dirty": bool(changes)}
