"""`--chat-format` and `--date`: what is given goes before what the model file says."""

from __future__ import annotations

from datetime import date as Date
from pathlib import Path

import pytest

from engine.cli.options import model_settings
from engine.decoding.settings import ModelSettings
from engine.errors import UsageError, WrongArgument
from engine.jobs.job_spec import JobSpec


def _settings(chat_format: str) -> ModelSettings:
    return model_settings(4096, None, 0, "f16", 1, False, chat_format=chat_format)


def test_the_text_of_a_file_travels_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.jinja"
    path.write_text("{{ messages[0].content }} ü", encoding="utf-8")
    assert _settings(str(path)).chat_format == "{{ messages[0].content }} ü"
    assert _settings("chatml").chat_format == "chatml"


@pytest.mark.parametrize(
    ("wanted", "said"), [("chatmi", "did you mean 'chatml'"), ("absent.jinja", "No such file"), ("", "not one of")]
)
def test_a_chat_format_that_is_none_is_refused(wanted: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _settings(wanted)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.jinja").write_bytes(b"{{ x }} \xfc")
    with pytest.raises(UsageError, match="byte 8 is not UTF-8"):
        _settings(str(tmp_path / "latin.jinja"))


@pytest.mark.parametrize("day", ["2025-02-30", "20250131", "yesterday", ""])
def test_a_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(WrongArgument, match="date must be a day as in"):
        ModelSettings(date=day)


def test_prompts_do_not_load_a_model_twice() -> None:
    assert ModelSettings(date="2025-01-31", chat_format="chatml").loading == ModelSettings()


def test_a_job_keeps_the_day_that_it_began_with() -> None:
    recipe = JobSpec.of({"type": "string"})
    assert recipe.dated("2025-01-31").settings.date == "2025-01-31"
    assert recipe.dated(None).settings.date == Date.today().isoformat()
    assert recipe.dated("2025-01-31").dated("2030-01-01").settings.date == "2025-01-31"
    again = JobSpec.from_json(recipe.read_type, recipe.dated("2025-01-31").as_json())
    assert again.settings.date == "2025-01-31"
