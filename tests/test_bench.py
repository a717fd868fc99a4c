"""The scripts that measure what we cost start as their docstrings say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent / "bench"

START = """
import runpy, sys
sys.path[0] = sys.argv[1]
for script in sys.argv[2:]:
    runpy.run_path(script, run_name="bench")
"""


def test_every_script_finds_what_it_imports(tmp_path):
    scripts = sorted(map(str, BENCH.glob("*.py")))
    command = [sys.executable, "-c", START, str(BENCH), *scripts]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert len(scripts) >= 8 and ended.returncode == 0, ended.stderr
