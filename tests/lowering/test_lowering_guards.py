"""What the lowering leaves to a guard is judged as the schema means it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary


def accepts(model: Any, text: str) -> bool:
    """Byte by byte in style "any", with guards."""
    vocabulary = Vocabulary.from_pieces([bytes([byte]) for byte in range(256)])
    matcher = Matcher(Masks(Automaton(compile_schema(model, style="any")), Walks(vocabulary)))
    for byte in text.encode():
        if not matcher.allows(byte):
            return False
        matcher.accept(byte)
    return matcher.may_end


@pytest.mark.parametrize("text", ["0", "-0", "7", "-12", "1.0", "1e0", "10E-1", "0.0"])
def test_strict_integer_has_the_spellings_that_pydantic_takes(text: str) -> None:
    strict = Annotated[int, Field(strict=True)]
    try:
        TypeAdapter(strict).validate_json(text)
        valid = True
    except ValidationError:
        valid = False
    assert accepts(strict, text) == valid


def test_integer_of_draft_4_has_no_fraction_and_no_exponent() -> None:
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "integer"}
    assert accepts(schema, "10")
    assert not accepts(schema, "1.0")
    assert not accepts(schema, "1e1")
    assert accepts({"type": "integer"}, "1.0")
    assert accepts({"type": "integer"}, "1e1")


class Python(BaseModel):
    model_config = ConfigDict(regex_engine="python-re")
    word: Annotated[str, Field(pattern=r"\A(?P<first>\w)(?!x)\w*\Z")]


@pytest.mark.parametrize("word", ["ab", "éa", "ax", "a\n", "a b", "ŁŁ"])
def test_look_around_is_judged_in_the_dialect_that_it_is_written_in(word: str) -> None:
    text = f'{{"word": "{word}"}}'.replace("\n", "\\n")
    try:
        Python.model_validate_json(text)
        valid = True
    except ValidationError:
        valid = False
    assert accepts(Python, text) == valid
