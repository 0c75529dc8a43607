"""The picture of a run: commands and what they print, as rich draws it.

    python tests/docs/run_picture.py

runs the commands with the default model and writes engine/docs/images/run.svg.
"""

from __future__ import annotations

import re
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
FIELDS = "seller, date date, due date?, total float"
COMMANDS = (
    "cat invoice.txt",
    f"engine extract '{FIELDS}' invoice.txt --one",
    f"engine extract '{FIELDS}' invoice.txt --one --grounded",
)
_WIDTH = 110


def output(command: str, folder: Path) -> str:
    """What a command line of the picture prints; `engine` is this checkout's."""
    program, *rest = shlex.split(command)
    run = [sys.executable, "-m", "engine", *rest] if program == "engine" else [program, *rest]
    done = subprocess.run(run, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.rstrip()


def draw(path: Path) -> None:
    """Run the commands and write the picture."""
    with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
        (Path(name) / "invoice.txt").write_text(INVOICE, encoding="utf-8")
        console = Console(record=True, width=_WIDTH, file=nowhere, force_terminal=True, highlight=False)
        highlight = JSONHighlighter()
        for command in COMMANDS:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            shown = Text(output(command, Path(name)))
            if command.startswith("engine"):
                highlight.highlight(shown)
            console.print(shown)
            console.print()
        # Without rich's fonts from elsewhere: a page shows its own.
        picture = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="engine"), flags=re.DOTALL)
        path.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    draw(PICTURE)
    print(PICTURE)
