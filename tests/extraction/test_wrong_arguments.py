"""Wrong arguments of the public functions: each is refused with its name, its value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel

from engine import Extractor, ModelSettings, compile_schema, extract, extract_one
from engine.errors import UsageError, WrongArgument
from engine.extraction.compilation import certify


class Sign(BaseModel):
    kind: Literal["sign"]


Options = dict[str, Any]

WRONG: list[tuple[str, Any]] = [
    ("max_tokens", "12"),
    ("max_tokens", 1.5),
    ("max_tokens", True),
    ("max_tokens", 0),
    ("max_tokens", None),
    ("temperature", "hot"),
    ("temperature", float("nan")),
    ("temperature", -0.1),
    ("temperature", None),
    ("temperature", 10**400),
    ("top_p", 0),
    ("top_p", 1.1),
    ("top_k", 1.0),
    ("min_p", 2),
    ("seed", "7"),
    ("seed", 1.0),
    ("style", "pretty"),
    ("style", ["spaced"]),
    ("style", None),
    ("instructions", 7),
    ("instructions", ["a"]),
    ("examples", "a"),
    ("examples", {"a": 1}),
    ("examples", 1),
    ("min_items", -1),
    ("min_items", "1"),
    ("max_items", 0),
    ("max_items", 1.0),
    ("errors", "ignore"),
    ("errors", []),
    ("on_budget", "cut"),
    ("max_value_tokens", 0),
    ("loops", True),
    ("max_backtracks", -1),
    ("max_backtracks", 1.5),
    ("model", 7),
    ("model", b"model.gguf"),
    ("settings", {"n_ctx": 512}),
    ("messages", "Hello"),
]


@pytest.mark.parametrize(("argument", "value"), WRONG)
def test_wrong_argument_is_named_with_its_value_and_what_is_allowed(
    argument: str, value: Any, options: Options
) -> None:
    given = {**options, argument: value}
    text = None if argument == "messages" else "a text"
    with pytest.raises(WrongArgument) as raised:
        next(extract(text, Sign, **given))
    assert raised.value.argument == argument
    assert raised.value.value is value
    assert str(raised.value).startswith(f"{argument} must be {raised.value.allowed}, not ")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("n_ctx", "4096"),
        ("n_ctx", 8),
        ("n_ctx", 2**31),
        ("n_ctx", None),
        ("threads", 1.5),
        ("threads", True),
        ("gpu_layers", -2),
        ("kv_type", 16),
        ("kv_type", None),
        ("sequences", 65),
        ("n_batch", "1"),
        ("verbose", 1),
        ("verbose", "yes"),
    ],
)
def test_wrong_setting_is_named_with_its_value_and_what_is_allowed(argument: str, value: Any) -> None:
    with pytest.raises(WrongArgument) as raised:
        ModelSettings(**{argument: value})
    assert (raised.value.argument, raised.value.value) == (argument, value)


@pytest.mark.parametrize("text", [5, b"bytes", {"a": "b"}, 1.5, Sign])
def test_what_is_neither_text_nor_texts_is_refused_at_once(text: Any, options: Options) -> None:
    with pytest.raises(WrongArgument, match="text must be a text or an iterable of texts"):
        extract(text, Sign, **options)


@pytest.mark.parametrize("text", [5, b"bytes", ["a"], "", " \n"])
def test_one_object_takes_one_text(text: Any, options: Options) -> None:
    with pytest.raises(WrongArgument, match="text must be one text"):
        extract_one(text, Sign, **options)


def test_mode_is_one_of_two(options: Options) -> None:
    with pytest.raises(WrongArgument, match="mode must be 'many' or 'one', not 'some'"):
        Extractor(Sign, model=options["model"], mode="some")  # type: ignore[arg-type]


def test_sampling_of_an_extractor_is_a_sampling(options: Options) -> None:
    extractor = Extractor(Sign, model=options["model"], settings=options["settings"])
    with pytest.raises(WrongArgument, match="sampling must be a Sampling"):
        extractor.extract("a", sampling={"temperature": 1})  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers(options: Options) -> None:
    given = options | {"max_tokens": np.int64(60), "temperature": np.float32(1.5), "seed": np.uint8(3)}
    given |= {"min_items": np.int32(2), "max_items": np.int64(2)}
    found = extract("a text", Sign, **given)
    assert list(found) == [Sign(kind="sign")] * 2
    assert type(ModelSettings(n_ctx=np.int64(512)).n_ctx) is int  # type: ignore[arg-type]


def test_a_huge_value_does_not_flood_the_message() -> None:
    with pytest.raises(WrongArgument) as raised:
        compile_schema(Sign, style="x" * 10_000)  # type: ignore[arg-type]
    assert len(str(raised.value)) < 200


SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x"}}, "$schema": "urn:unknown"}


@pytest.mark.parametrize("compile_", [compile_schema, certify])
def test_an_exception_that_names_nothing_is_refused_with_what_could_be_named(compile_: Any) -> None:
    with pytest.raises(UsageError, match=r"'nonsense' does not occur in this schema; it has .*pattern"):
        compile_(SCHEMA, allow_unenforced=["$schema", "nonsense"])
    with pytest.raises(
        UsageError, match="'/properties/b/pattern' does not occur in this schema; it has /properties/a/p"
    ):
        compile_(SCHEMA, allow_unenforced=["$schema", "/properties/b/pattern"])
    assert compile_(SCHEMA, allow_unenforced=["$schema"])
    assert compile_(SCHEMA, allow_unenforced=["/$schema", "/properties/a/pattern"])


@pytest.mark.parametrize("value", ["$schema", None, 5, [5], {"$schema": 1}])
def test_exceptions_are_a_list_of_texts(value: Any) -> None:
    with pytest.raises(WrongArgument, match="allow_unenforced must be a list of keywords or of JSON pointers"):
        compile_schema(SCHEMA, allow_unenforced=value)


@pytest.mark.parametrize("many", [list[Sign], Iterable[Sign], list[int]])
def test_a_list_is_refused_where_one_object_is_asked_for(many: Any) -> None:
    """It stands for many objects elsewhere; one of them is not what was asked for."""
    with pytest.raises(
        WrongArgument, match=r"model_type must be the type of one object; for a list take extract"
    ) as raised:
        extract_one("a text", many)
    assert raised.value.argument == "model_type"


@pytest.mark.parametrize("count", [{"min_items": 1}, {"max_items": 1}, {"min_items": 0, "max_items": 3}])
def test_counts_of_a_list_are_refused_where_one_object_is_asked_for(count: Options) -> None:
    with pytest.raises(UsageError, match="min_items and max_items count the objects of a list"):
        Extractor(Sign, mode="one", **count)
    with pytest.raises(UsageError, match="min_items and max_items count the objects of a list"):
        extract_one("a text", Sign, **count)
