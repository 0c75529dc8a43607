"""`python -m engine` and the console script: an interrupt while modules are loaded leaves no traceback either."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> None:
    """The `engine` command."""
    try:
        from engine.cli import run_cli as command  # takes a moment, in which the user may change their mind

        command()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except RuntimeError as error:
        # So Python 3.11 wraps what interrupts the making of a class, which is most of what loading is.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
