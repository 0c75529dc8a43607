"""`engine help`."""

from __future__ import annotations

import io
import pydoc
import re
from collections.abc import Callable

import pytest
from typer.testing import Result

from engine.cli.guide import guide_pages
from engine.cli.help import render_page, show_page

Engine = Callable[..., Result]


def test_without_a_topic_the_pages_are_listed(engine: Engine) -> None:
    result = engine("help")
    assert result.exit_code == 0
    assert "tutorial.md" in result.stdout
    assert "design/budget" in result.stdout


@pytest.mark.parametrize(
    "words", ["batch", "chat-templates", "chat_templates", "chat templates", "design/budget", "budget"]
)
def test_a_page_is_found_however_its_topic_is_written(words: str, engine: Engine) -> None:
    result = engine("help", *words.split())
    assert result.exit_code == 0
    assert result.stdout.startswith("# ")


def test_words_that_are_no_topic_are_searched_for(engine: Engine) -> None:
    result = engine("help", "shortest", "completion")
    assert result.exit_code == 0
    assert "design/budget: " in result.stdout


def test_a_command_without_a_page_shows_its_help(engine: Engine) -> None:
    result = engine("help", "explain")
    assert result.exit_code == 0
    assert "--allow-unenforced" in result.stdout


def test_a_topic_can_be_searched_for(engine: Engine) -> None:
    result = engine("help", "--search", "batch")
    assert result.exit_code == 0
    assert len(re.findall(r"^\S+: ", result.stdout, re.MULTILINE)) > 3


def test_what_is_nowhere_is_an_error_with_the_nearest(engine: Engine) -> None:
    result = engine("help", "tutoriel")
    assert result.exit_code == 2
    assert "tutorial" in result.stderr


@pytest.mark.parametrize("topic", guide_pages())
def test_every_page_can_be_shown_in_a_narrow_terminal(topic: str) -> None:
    shown = re.sub(r"\x1b\[[0-9;]*m", "", render_page(guide_pages()[topic], 60))
    assert len(shown) > 100
    assert max(map(len, shown.splitlines())) <= 60


class Terminal(io.StringIO):
    """Somebody looks at it."""

    def isatty(self) -> bool:
        return True


def test_in_a_terminal_a_page_is_rendered_and_paged(monkeypatch: pytest.MonkeyPatch) -> None:
    paged: list[str] = []
    monkeypatch.setattr(pydoc, "pager", paged.append)
    monkeypatch.setattr("sys.stdout", Terminal())
    show_page(guide_pages()["environment"])
    assert "\x1b[" in paged[0]
    assert "|---|" not in paged[0]
