"""The command line, from its first moment on: a Ctrl-C while its modules are loaded is one too."""

from __future__ import annotations

import sys

from flop_harness.suite.search_path import put_standard_library_first


def main() -> None:
    try:
        put_standard_library_first()  # ``python -m`` looks into the working directory before that
        from flop_harness import cli
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    cli.main()


if __name__ == "__main__":
    try:
        main()
    finally:
        # `python -m` ends by SIGINT and not with our exit code where a Ctrl-C met a text that is run, as dataclasses do
        # while they are imported. Python forgets it with the next text.
        exec("")
