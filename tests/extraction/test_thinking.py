"""Objects behind a thought."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine import Extractor, ModelSettings, extract
from engine.errors import UsageError

TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: <think>\n"


class Row(BaseModel):
    kind: bool
    size: int | None


def test_a_thought_stands_beside_its_objects(bpe_path: Path) -> None:
    settings = ModelSettings(n_ctx=2048, threads=1, chat_format=TEMPLATE)
    options: dict[str, Any] = {"model": bpe_path, "settings": settings, "max_tokens": 60, "temperature": 0.9, "seed": 1}
    run = extract("a text", Row, min_items=1, max_items=2, think=12, **options)
    found = list(run.detailed())
    assert found
    assert all(one.thought for one in found)
    assert all(Row.model_validate(json.loads(one.text)) == one.value for one in found)
    assert 12 <= run.stats.thought_tokens <= 40
    thinking = ModelSettings(n_ctx=2048, threads=1, chat_format=TEMPLATE, think=12)
    extractor = Extractor(Row, model=bpe_path, settings=thinking, mode="one")
    assert extractor.prompt("x").rstrip().endswith("<think>")
    (result,) = extractor.batch(["x"], max_tokens=60)
    assert result.objects[0].thought
    assert extractor.longest_prompt(60) < Extractor(Row, model=bpe_path, settings=settings, mode="one").longest_prompt(
        60
    )


def test_a_model_without_thoughts_is_refused(bpe_path: Path) -> None:
    with pytest.raises(UsageError, match="knows of no thoughts"):
        Extractor(Row, model=bpe_path, settings=ModelSettings(n_ctx=2048, threads=1, think=5))
