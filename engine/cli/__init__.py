"""The command line: `engine extract`, `batch`, `grammar`, `run`, `models`, `doctor`, `demo`, `bench` and `help`.

Standard output has results and nothing else; figures, notes and progress go to standard error. Modules are loaded with
the command that needs them, so that `engine --help` answers at once.
"""

from engine.cli.application import engine_app, run_cli

__all__ = ["engine_app", "run_cli"]
