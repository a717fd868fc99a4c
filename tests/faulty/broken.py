"""A plugin that cannot be imported."""

from __future__ import annotations

import no_such_package_anywhere

COUNTER = no_such_package_anywhere.COUNTER
