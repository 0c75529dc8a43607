"""`python -m engine` and the console script: an interrupt while the modules are loaded leaves no traceback either."""

from __future__ import annotations

import sys


def main() -> None:
    """The `engine` command."""
    try:
        from engine.cli import main as command  # takes a moment, in which the user may change their mind
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
