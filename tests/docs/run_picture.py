"""The picture of a run: commands and what they print, as rich draws it.

    python tests/docs/run_picture.py

runs the commands with the default model and writes engine/docs/images/run.svg.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

PICTURE = Path(__file__).parent.parent.parent / "engine" / "docs" / "images" / "run.svg"
INVOICE = """\
Bakery Ruiz                    INVOICE 2024-0117
Calle Mayor 4, Madrid          Date: 3 March 2024

12 baguettes    14.40
2 cakes         37.00
TOTAL EUR       51.40
"""
FIELDS = "seller, date date, total float: the total of the invoice"
COMMANDS = (
    "cat invoice.txt",
    f"engine extract '{FIELDS}' invoice.txt --one",
    f"engine extract '{FIELDS}' invoice.txt --one --grounded",
    "engine grammar 'seller, total float' | head -4",
)
_WIDTH = 110


def output(command: str, folder: Path) -> str:
    """What a command line of the picture prints; `engine` is this checkout's."""
    words, _, pipe = command.partition(" | ")
    program, *rest = shlex.split(words)
    run = [sys.executable, "-m", "engine", *rest] if program == "engine" else [program, *rest]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    return "\n".join(lines[: int(pipe.removeprefix("head -"))] if pipe else lines)


def draw(path: Path) -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
        (Path(name) / "invoice.txt").write_text(INVOICE, encoding="utf-8")
        console = Console(record=True, width=_WIDTH, file=nowhere, force_terminal=True, highlight=False)
        highlight = JSONHighlighter()
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            shown = Text(output(command, Path(name)))
            if command.startswith("engine extract"):
                highlight.highlight(shown)
            console.print(shown)
            console.print()
        path.write_text(console.export_svg(title="engine"), encoding="utf-8")


if __name__ == "__main__":
    draw(PICTURE)
    print(PICTURE)
