"""How records show themselves in a notebook; they know nothing of it, and it costs nothing elsewhere.

IPython is told by name, so that nothing is imported before something is shown. It is told when the
harness is imported in a notebook; ``%load_ext flop_harness.report.formats.display`` does it by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SHOWN = {
    ("flop_harness.records.suite", "Suite"): "of_suite",
    ("flop_harness.records.run", "Bridge"): "of_bridge",
    ("flop_harness.records.run", "Run"): "of_run",
    ("flop_harness.records.account", "Account"): "of_account",
}
"""(module, class) -> the function of ``flop_harness.report.formats.notebook`` that shows it"""


def register(shell: Any = None) -> None:
    """Tell the running IPython, or ``shell``, how to show our records; nothing without one."""
    if shell is None:
        from IPython import get_ipython

        shell = get_ipython()
    if shell is None:
        return
    html = shell.display_formatter.formatters["text/html"]
    for (module, name), function in SHOWN.items():
        html.for_type_by_name(module, name, shown_by(function))


load_ipython_extension = register


def shown_by(function: str) -> Callable[[Any], str]:
    def show(value: Any) -> str:
        from flop_harness.report.formats import notebook

        made: str = getattr(notebook, function)(value)
        return made

    return show
