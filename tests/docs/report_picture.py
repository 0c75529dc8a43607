"""The pictures of a report: a real run with the default model, in a real browser.

    python tests/docs/report_picture.py

writes engine/docs/images/report.png and explain.svg. It needs Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

IMAGES = Path(__file__).parent.parent.parent / "engine" / "docs" / "images"
TEXTS = {
    "bakery.txt": "Bakery Ruiz                    INVOICE 2024-0117\nCalle Mayor 4, Madrid          Date: 3 March 2024\n\n"
    "12 baguettes    14.40\n2 cakes         37.00\nTOTAL EUR       51.40\n",
    "paper.txt": "Papeterie Blanc, Lyon\nFacture du 12/04/2024\n\nRamettes A4   3 x 5,20   15,60\nTotal         15,60 EUR\n",
    "garage.txt": "Invoice from Garage Weber, 7 May 2024.\nNew tyres, 4 pieces, fitted. Please pay 412.00 EUR by 21 May 2024.\n",
}
FIELDS = "seller, date date, due date?, total float"


def engine(*words: str, folder: Path) -> str:
    """What this checkout's command line prints."""
    command = [sys.executable, "-m", "engine", *words]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def draw(images: Path) -> None:
    """Run the commands and write the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in TEXTS.items():
            (folder / file).write_text(text, encoding="utf-8")
        engine("extract", FIELDS, *TEXTS, "--one", "--grounded", "--html", "invoices.html", folder=folder)
        _photograph(folder / "invoices.html", images)
        _draw_terminal(folder, images / "explain.svg")


def _photograph(page_file: Path, images: Path) -> None:
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox.
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 460})
        page.goto(page_file.as_uri())
        page.hover(".value >> nth=0")
        page.screenshot(path=images / "report.png")
        browser.close()


def _draw_terminal(folder: Path, picture: Path) -> None:
    command = [sys.executable, "-m", "engine", "extract", FIELDS, "bakery.txt", "--one", "--grounded", "--explain"]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "90"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=90, file=nowhere, force_terminal=True, highlight=False)
        console.print(Text(f"$ engine extract '{FIELDS}' bakery.txt --one --grounded --explain", style="bold"))
        console.print(Text.from_ansi(done.stdout))
        drawn = console.export_svg(title="engine")
    # Without rich's fonts from elsewhere: a page shows its own.
    picture.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    draw(IMAGES)
