"""The picture of the README shows the commands that its script runs, and needs nothing from elsewhere."""

from __future__ import annotations

import html
import re

from docs.run_picture import COMMANDS, PICTURE


def test_the_picture_shows_what_its_script_runs() -> None:
    drawn = PICTURE.read_text(encoding="utf-8")
    texts = html.unescape(" ".join(re.findall(r"<text [^>]*>([^<]*)</text>", drawn))).replace("\xa0", " ")
    for command in COMMANDS:
        assert command in texts, "python tests/docs/run_picture.py"
    assert "2024-03-03" in texts


def test_the_picture_fetches_nothing() -> None:
    drawn = PICTURE.read_text(encoding="utf-8")
    assert "url(http" not in drawn
    assert "<image" not in drawn
