"""A machine is known again, told from another of the same name, and tells nothing of itself."""

from __future__ import annotations

import re
import subprocess

import pytest

from flop_harness.run.commits import committed, committed_files, is_committed
from flop_harness.run.machine_id import machine_id

EPYC = {"architecture": "x86_64", "processor": "AMD EPYC", "logical_cores": 2, "physical_cores": 2,
        "memory_bytes": 24 * 2**30}  # fmt: skip
INSTALLED, BOOT = "0123456789abcdef0123456789abcdef", "b0070000-0000-4000-8000-000000000000"


def a_root(folder, installed=INSTALLED, boot=BOOT, addresses=("02:00:00:00:00:01",), virtual=()):
    """Files as Linux has them; a virtual interface has an address and no device."""
    files = {"etc/machine-id": installed, "proc/sys/kernel/random/boot_id": boot}
    for place, address in enumerate((*addresses, *virtual)):
        files[f"sys/class/net/if{place}/address"] = address
    for name, text in files.items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{text}\n")
    for place in range(len(addresses)):
        (folder / f"sys/class/net/if{place}/device").mkdir()
    return folder


@pytest.fixture
def root(tmp_path):
    """A root by the facts that differ from the usual ones, each in a folder of its own."""
    made = iter(range(100))
    return lambda **facts: a_root(tmp_path / str(next(made)), **facts)


def test_a_machine_is_known_again_after_a_restart(root):
    assert machine_id(EPYC, root()) == machine_id(EPYC, root(boot="another"))


@pytest.mark.parametrize("facts", [{"installed": "f" * 32}, {"addresses": ("02:00:00:00:00:02",)}])
def test_another_installation_or_network_card_is_another_machine(root, facts):
    assert machine_id(EPYC, root()) != machine_id(EPYC, root(**facts))


@pytest.mark.parametrize("facts", [{"logical_cores": 4}, {"processor": "AMD EPYC 9654"},
                                   {"memory_bytes": 48 * 2**30}])  # fmt: skip
def test_other_hardware_is_another_machine(root, facts):
    assert machine_id(EPYC, root()) != machine_id({**EPYC, **facts}, root())


def test_what_comes_and_goes_makes_no_other_machine(root):
    assert machine_id(EPYC, root()) == machine_id(EPYC, root(virtual=("5e:00:00:00:00:09",)))
    few_pages = {**EPYC, "memory_bytes": EPYC["memory_bytes"] - 2**20}  # another kernel
    assert machine_id(EPYC, root()) == machine_id(few_pages, root())


@pytest.mark.parametrize("unset", [None, "", "uninitialized"])
def test_without_an_installed_id_the_boot_stands_for_it(root, unset):
    first = machine_id(EPYC, root(installed=unset))
    assert first == machine_id(EPYC, root(installed=unset))
    assert first != machine_id(EPYC, root(installed=unset, boot="another"))


def test_the_id_is_short_and_shows_nothing_of_what_it_is_made_of(root):
    found = machine_id(EPYC, root(installed="c0ffee" * 6))
    assert re.fullmatch(r"[0-9a-f]{8}", found) and found not in "c0ffee" * 6


# --------------------------------------------------------------------------- what is committed


@pytest.fixture
def checkout(tmp_path):
    """A checkout in which ``results/times`` is committed."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results/times").write_bytes(b"\x00 1\n")
    author = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_a_file_is_as_committed_until_it_is_written_again(checkout):
    file = checkout / "results/times"
    assert is_committed(file)
    file.write_bytes(b"2")
    assert not is_committed(file) and committed(file) == b"\x00 1\n"
    assert committed_files(checkout / "results") == ["times"]


def test_what_nobody_committed_is_not(checkout, tmp_path_factory):
    (checkout / "results/new").write_text("")
    assert not is_committed(checkout / "results/new")
    assert committed_files(checkout / "nowhere") == []
    outside = tmp_path_factory.mktemp("outside")
    (outside / "times").write_text("")
    assert committed(outside / "times") is None and committed_files(outside) == []
