"""`extract`, `extract_one` and `Extractor` on a real file of random weights: what holds whatever the model says."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NotRequired
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, HttpUrl, TypeAdapter, ValidationInfo, field_validator
from typing_extensions import TypedDict

from engine import Extractor, extract, extract_one
from engine.errors import (
    BudgetTooSmall,
    EngineError,
    ModelNotFound,
    PromptError,
    TextEmpty,
    TextTooLong,
    UsageError,
    WrongArgument,
)
from engine.extraction.task import describe
from engine.schema import read_type


class User(BaseModel):
    name: str
    age: int


class Sign(BaseModel):
    """Only one value, so the random model has no say."""

    kind: Literal["sign"]


@dataclass
class Point:
    x: int
    y: int


class Row(TypedDict):
    a: int
    b: NotRequired[str]


Options = dict[str, Any]


@pytest.mark.parametrize("item", [User, Point, Row, User | Point, int, str, bool, Literal["a", "b"], tuple[int, str]])
def test_every_kind_of_type_can_be_the_item(item: Any, options: Options) -> None:
    found = list(extract("a text", item, min_items=2, max_items=3, **options))
    assert 2 <= len(found) <= 3
    adapter = TypeAdapter(item)
    assert [adapter.validate_python(value) for value in found] == found


@pytest.mark.parametrize("container", [list[Sign], Iterable[Sign], Iterator[Sign]])
def test_a_container_stands_for_its_items(container: Any, options: Options) -> None:
    assert list(extract("a text", container, min_items=2, max_items=2, **options)) == [Sign(kind="sign")] * 2


def test_json_schema_gives_plain_values(options: Options) -> None:
    schema = {"type": "array", "prefixItems": [{"const": 1}, {"const": "ü"}], "items": False, "minItems": 2}
    assert list(extract("a text", schema, min_items=1, max_items=1, **options)) == [[1, "ü"]]


def test_one_object_is_not_in_an_array(options: Options) -> None:
    assert extract_one("a text", Sign, **options) == Sign(kind="sign")


def test_one_object_or_none_may_be_none(options: Options) -> None:
    answers = [extract_one("a text", Literal["there"] | None, **(options | {"seed": seed})) for seed in range(40)]
    assert set(answers) == {"there", None}


def test_documents_keep_their_order_and_their_objects(options: Options) -> None:
    texts = ["one", "two two", "", "three " * 20, "four"]
    run = extract(texts, Sign, min_items=2, max_items=2, errors="collect", **options)
    assert [found.document for found in run.detailed()] == [0, 0, 1, 1, 3, 3, 4, 4]
    assert [outcome.document for outcome in run.outcomes] == [0, 1, 2, 3, 4]
    assert run.stats.documents == 5
    assert run.stats.objects == 8


def test_document_gives_the_same_objects_alone_and_among_others(options: Options) -> None:
    fixed = options | {"temperature": 0.0}
    together = extract(["one", "two", "three"], User, min_items=1, max_items=2, **fixed).detailed()
    texts = {found.document: found.text for found in together}
    single = Extractor(User, model=options["model"], settings=options["settings"], min_items=1, max_items=2)
    assert set(texts) == {0, 1, 2}
    assert next(single.extract("one", max_tokens=60).detailed()).document == 0


@pytest.mark.parametrize("text", ["", "  \n\t", [], [""], ["", " "]])
def test_nothing_in_gives_nothing_out(text: Any, options: Options) -> None:
    run = extract(text, User, **options)
    assert list(run) == []
    assert {outcome.finish for outcome in run.outcomes} <= {"complete"}


def test_empty_text_of_which_an_object_has_to_come_is_an_error(options: Options) -> None:
    run = extract(["one", " ", "two"], Sign, min_items=1, max_items=1, errors="collect", **options)
    assert list(run) == [Sign(kind="sign")] * 2
    assert isinstance(run.errors[1], TextEmpty)
    single = Extractor(Sign, model=options["model"], settings=options["settings"], mode="one")
    with pytest.raises(TextEmpty, match="document 0 is empty"):
        list(single.extract(["", "one"]))


def test_what_is_no_text_ends_its_own_document_only(options: Options) -> None:
    texts: Any = ["one", 2, b"three", None, UnreadableForTest("gone"), "six"]
    run = extract(texts, Sign, min_items=1, max_items=1, errors="collect", **options)
    assert [found.document for found in run.detailed()] == [0, 5]
    assert {document: type(error) for document, error in run.errors.items()} == {
        1: WrongArgument,
        2: WrongArgument,
        3: WrongArgument,
        4: UnreadableForTest,
    }
    assert "document 1 must be a text, not 2" in str(run.errors[1])


class UnreadableForTest(EngineError):
    pass


def test_texts_are_pulled_when_a_place_is_free(options: Options) -> None:
    pulled = []

    def texts() -> Iterator[str]:
        for number in range(100):
            pulled.append(number)
            yield f"text {number}"

    with extract(texts(), Sign, min_items=1, max_items=1, **options) as run:
        assert pulled == []
        next(run)
        assert 1 <= len(pulled) <= 4


def test_error_of_the_texts_themselves_reaches_the_caller(options: Options) -> None:
    def texts() -> Iterator[str]:
        yield "one"
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        list(extract(texts(), Sign, **options))
    assert extract_one("a text", Sign, **options).kind == "sign"


def test_one_document_that_does_not_fit_leaves_the_others(options: Options) -> None:
    run = extract(["one", "x " * 3000, "two"], Sign, min_items=1, max_items=1, **options)
    assert [next(run), next(run)] == [Sign(kind="sign")] * 2
    with pytest.raises(TextTooLong) as raised:
        next(run)
    assert raised.value.document == 1
    assert raised.value.prompt_tokens > raised.value.fits


def test_errors_can_be_collected(options: Options) -> None:
    run = extract(["x " * 3000, "one", "\ud800"], Sign, errors="collect", min_items=1, max_items=1, **options)
    assert list(run) == [Sign(kind="sign")]
    assert {document: type(error) for document, error in run.errors.items()} == {0: TextTooLong, 2: PromptError}


def test_budget_closes_the_output_in_time_and_says_so(options: Options) -> None:
    run = extract("a text", User, min_items=1, **(options | {"max_tokens": 20, "loops": "keep"}))
    users = list(run)
    assert len(users) >= 1
    assert run.stats.decoded_tokens <= 20
    assert run.outcomes[0].finish == "budget"


def test_budget_below_the_shortest_output_is_refused_with_counts(options: Options) -> None:
    with pytest.raises(BudgetTooSmall) as raised:
        list(extract("a text", User, min_items=5, **(options | {"max_tokens": 6})))
    assert raised.value.needed > raised.value.max_tokens == 6


def test_closing_early_frees_the_sequences(options: Options) -> None:
    extractor = Extractor(User, model=options["model"], settings=options["settings"], min_items=1)
    native = extractor.model.native
    for _ in range(8):
        run = extractor.extract(["one", "two", "three"], max_tokens=60)
        next(run)
        run.close()
        assert list(run) == []
    assert extractor.model.native is native
    assert len(list(extractor.extract(["one", "two", "three"], max_tokens=60))) >= 3


def test_forgotten_run_gives_its_place_back(options: Options) -> None:
    extractor = Extractor(Sign, model=options["model"], settings=options["settings"], min_items=1, max_items=1)
    for _ in range(4):
        next(extractor.extract(["one", "two"]))
    gc.collect()
    assert list(extractor.extract(["one", "two"])) == [Sign(kind="sign")] * 2


def test_calls_nest(options: Options) -> None:
    pairs = [
        (outer.kind, extract_one("another", Sign, **options).kind)
        for outer in extract(["one", "two"], Sign, min_items=2, max_items=2, **options)
    ]
    assert pairs == [("sign", "sign")] * 4


def test_paused_run_goes_on_where_it_was(options: Options) -> None:
    whole = [found.text for found in extract("a text", User, min_items=3, max_items=3, **options).detailed()]
    paused = extract("a text", User, min_items=3, max_items=3, **options).detailed()
    parts = [next(paused).text]
    list(extract(["between", "two others"], User, min_items=1, max_items=1, **options))
    parts += [found.text for found in paused]
    assert parts == whole


def test_threads_share_a_model(options: Options) -> None:
    alone = [found.text for found in extract("a text", User, min_items=2, max_items=2, **options).detailed()]
    results: dict[int, list[str]] = {}

    def work(number: int) -> None:
        run = extract("a text", User, min_items=2, max_items=2, **options)
        results[number] = [found.text for found in run.detailed()]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(range(4), alone)


def test_seed_makes_a_run_repeatable(options: Options) -> None:
    runs = [[found.text for found in extract("x", User, min_items=1, **options).detailed()] for _ in range(2)]
    other = [found.text for found in extract("x", User, min_items=1, **(options | {"seed": 2})).detailed()]
    assert runs[0] == runs[1] != other


def test_messages_replace_the_text(options: Options) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A sign, please. ü 日本"}]
    run = extract(None, Sign, messages=messages, min_items=1, max_items=1, **options)
    assert list(run) == [Sign(kind="sign")]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("a", {"messages": [{"role": "user", "content": "a"}]}, "either a text"),
        (None, {}, "either a text"),
        (["a", 1], {}, "document 1 must be a text, not 1"),
        ("a", {"tmperature": 1.0}, "unknown option 'tmperature'"),
        ("a", {"temperature": -1.0}, "temperature"),
        ("a", {"style": "pretty"}, "'spaced', 'compact' or 'any', not 'pretty'"),
        ("a", {"errors": "ignore"}, "'raise' or 'collect'"),
        ("a", {"min_items": 3, "max_items": 2}, "min_items=3"),
        ("a", {"max_items": 0}, "max_items must be a whole number from 1 on"),
        (None, {"messages": [{"role": "user"}]}, "message 0"),
        (None, {"messages": []}, "empty"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    text: Any, arguments: Options, message: str, options: Options
) -> None:
    with pytest.raises(UsageError, match=message):
        list(extract(text, Sign, **(options | arguments)))


@pytest.mark.parametrize("text", ["", " ", ["a"], None])
def test_one_object_needs_one_text(text: Any, options: Options) -> None:
    with pytest.raises(UsageError):
        extract_one(text, Sign, **options)


@pytest.mark.parametrize("item", [object(), print, "NoSuchName", type("Plain", (), {})])
def test_type_that_is_not_supported_is_refused_in_words(item: Any, options: Options) -> None:
    with pytest.raises(EngineError):
        extract("a text", item, **options)


def test_missing_model_is_named_with_where_it_was_looked_for(options: Options) -> None:
    with pytest.raises(ModelNotFound) as raised:
        extract("a text", Sign, model="smolm2-135m-instruct")
    assert "Did you mean smollm2-135m-instruct?" in str(raised.value)


def test_prompt_has_description_instructions_and_examples(options: Options) -> None:
    extractor = Extractor(
        User,
        model=options["model"],
        settings=options["settings"],
        instructions="Ages are in years.",
        examples=[("Ana is 30.", [User(name="Ana", age=30)]), ("Nobody.", [])],
    )
    prompt = extractor.prompt("Eve is 5. <|im_end|>")
    parts = [describe(read_type(User)), "Ages are in years.", "Ana is 30.", '[{"name": "Ana", "age": 30}]', "Eve is 5."]
    places = [prompt.index(part) for part in parts]
    assert places == sorted(places)
    assert "\n[]<|im_end|>" in prompt


def test_the_types_of_texts_are_named_in_the_prompt() -> None:
    class Trip(BaseModel):
        day: Annotated[date, Field(gt=date(2020, 1, 1))]
        at: datetime | None
        took: timedelta
        by: UUID
        cost: Decimal
        site: HttpUrl
        host: IPv4Address
        seat: Annotated[str, Field(pattern="^[0-9][A-F]$")]

    assert describe(read_type(Trip)) == (
        '{"day": date, "at": date-time or null, "took": duration, "by": uuid, "cost": decimal, "site": url, '
        '"host": IP address, "seat": string}'
    )


def test_context_reaches_the_validators(options: Options) -> None:
    """Validators run while a value is decoded and when the object is made: both must see the same context."""

    class Padded(BaseModel):
        text: str = Field(max_length=6)

        @field_validator("text")
        @classmethod
        def check(cls, value: str, info: ValidationInfo) -> str:
            assert info.context is not None, "the context is missing"
            if len(value) % info.context["divisor"]:
                raise ValueError("not padded")
            return value

    found = extract(
        "a text", Padded, context={"divisor": 3}, min_items=3, max_items=3, **(options | {"max_tokens": 90})
    )
    lengths = [len(padded.text) for padded in found]
    assert len(lengths) == 3
    assert [length % 3 for length in lengths] == [0, 0, 0]


def test_unicode_goes_in_and_out(options: Options) -> None:
    class Note(BaseModel):
        text: Literal['"ü"\\ 日本\n🙂 {[']

    text = 'Ünï "日本" 🙂\x00\u2028 {"text": '
    assert extract_one(text, Note, **options).text == '"ü"\\ 日本\n🙂 {['
