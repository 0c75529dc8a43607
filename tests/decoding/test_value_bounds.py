"""Values that run away are ended where they begin to, marked, and the other values are written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.automaton.automaton import Automaton
from engine.decoding.forced_tokens import ForcedTokenizer
from engine.decoding.generation import Jump
from engine.decoding.language_model import Row
from engine.decoding.sampler import GREEDY, Sampling
from engine.decoding.scheduler import Event, Request, Run, Workspace
from engine.decoding.scripted import Script, ScriptedModel, ScriptedSequences, hashed_script
from engine.decoding.value_bounds import ValueBounds
from engine.extraction.compilation import array_of, lower_schema, read_schema
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary

PIECES = (
    b"<end>",
    *(bytes([byte]) for byte in range(256)),
    *(
        b'", "',
        b'"}',
        b'"]',
        b'": "',
        b'"]}',
        b"}, {",
        b"john",
        b".jo",
        b"hn",
        b"bread",
        b'bread", "',
        b"00",
        b"}]",
        b'"}, {"',
    ),
)
VOCABULARY = Vocabulary.from_pieces(PIECES, end_tokens=[0])
WALKS = Walks(VOCABULARY)
START = len(PIECES) - 1
TEXT = {"type": "string"}

Wish = Callable[[str], str]


def wishing(wish: Wish, prompt: str) -> Script:
    """A model that wants to go on as `wish` says of the output so far, in the longest tokens; a byte is a character."""

    def script(tokens: tuple[int, ...]) -> Row:
        written = b"".join(PIECES[token] for token in tokens)[len(prompt.encode()) :].decode("latin-1")
        wanted, row = wish(written).encode("latin-1"), np.zeros(len(PIECES), np.float32)
        for token, piece in enumerate(PIECES):
            if token and wanted.startswith(piece):
                row[token] = len(piece)
        row[0] = 0.5 if not wanted else 0
        return row

    return script


def member(name: str, text: str) -> Wish:
    """The value of `name` is `text` for ever, all others are "ok"."""
    text = text.encode().decode("latin-1")

    def wish(written: str) -> str:
        before, opening, begun = written.rpartition('": "')
        if opening and '"' not in begun:
            return (text * 500 if before.endswith(f'"{name}') else 'ok"')[len(begun) :]
        return ""

    return wish


def decode(
    schema: Any,
    script: Script,
    *,
    prompt: str = "?",
    bounds: ValueBounds | None = ValueBounds(),  # noqa: B008 - frozen
    jump: Jump = "spelled",
    max_tokens: int = 200,
    many: bool = False,
    min_items: int = 0,
    sampling: Sampling = GREEDY,
) -> tuple[str, Event]:
    """The output, and the last event."""
    read = read_schema(schema)
    masks = Masks(Automaton(lower_schema(array_of(read, min_items, None) if many else read, "spaced")), WALKS)
    model = ScriptedModel(VOCABULARY)
    space = Workspace(VOCABULARY, ForcedTokenizer(model), ScriptedSequences(VOCABULARY, script))
    tokens = model.tokenize(prompt.encode())
    request = Request(tokens, Matcher(masks), max_tokens, sampling, many=many, bounds=bounds)
    events = list(Run([None], lambda *_: request, jump=jump).events(space))
    assert events[-1].error is None, events[-1].error
    return b"".join(event.data for event in events).decode(), events[-1]


def person(**more: Any) -> dict[str, Any]:
    fields = {"name": TEXT, "city": TEXT, **more}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize(
    ("loop", "kept"),
    [
        ("john.", "john."),
        ("bread, ", "bread"),
        ("0", "0"),
        ("ünï ", "ünï"),
        ("\\n\\n\\n- x", "\\n\\n\\n- x"),
        ("x😀", "x😀"),
    ],
)
def test_a_text_that_repeats_itself_ends_where_the_loop_begins(loop: str, kept: str, jump: Jump) -> None:
    text, event = decode(person(), wishing(member("name", loop), "?"), jump=jump)
    assert json.loads(text) == {"name": json.loads(f'"{kept}"'), "city": "ok"}
    assert (event.finish, event.loops, event.cuts) == ("loop", (("name",),), ())


def test_with_loops_allowed_the_budget_is_eaten() -> None:
    bounds = ValueBounds(max_value_tokens=200, end_loops=False)
    text, event = decode(person(), wishing(member("name", "john."), "?"), bounds=bounds)
    assert (json.loads(text)["city"], event.finish, event.loops) == ("", "budget", ())


def test_what_the_document_repeats_is_no_loop() -> None:
    prompt = "Row, row, row, row your boat"

    def quoting(written: str) -> str:
        return f'{{"name": "{prompt}", "'[len(written) :] or others(written)

    text, event = decode(person(), wishing(quoting, prompt), prompt=prompt)
    assert (json.loads(text)["name"], event.finish) == (prompt, "complete")


others = member("", "")


def listing(*items: str) -> Wish:
    """`items` for ever, wherever a list of texts is open."""
    endless = ", ".join(items * 200)

    def wish(written: str) -> str:
        begun = written.rpartition("[")[2]
        return endless[len(begun) :] if "[" in written and "]" not in begun else others(written)

    return wish


@pytest.mark.parametrize("jump", ["off", "spelled", "verified"])
@pytest.mark.parametrize("items", [["bread"], ["bread", "milk"], ["a", "b", "c"]])
def test_a_list_that_repeats_itself_ends_where_the_loop_begins(items: list[str], jump: Jump) -> None:
    schema = person(items={"type": "array", "items": TEXT}, note=TEXT)
    script = wishing(listing(*(json.dumps(item) for item in items)), "?")
    text, event = decode(schema, script, jump=jump)
    assert json.loads(text)["items"] == items
    assert json.loads(text)["note"] == "ok"
    assert (event.finish, event.loops) == ("loop", (("items",),))


def test_items_that_the_document_names_as_often_are_no_loop() -> None:
    prompt = "bread bread bread bread"

    def wish(written: str) -> str:
        return '["bread", "bread", "bread", "bread"]'[len(written) :]

    text, event = decode({"type": "array", "items": TEXT}, wishing(wish, prompt), prompt=prompt)
    assert (json.loads(text), event.finish) == (["bread"] * 4, "complete")


def test_a_list_of_numbers_may_repeat_itself_for_long() -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    for count in (12, 15):
        whole = json.dumps([5] * count)
        text, event = decode(schema, wishing(lambda written, whole=whole: whole[len(written) :], "?"))  # type: ignore[misc]
        assert (json.loads(text), event.finish) == ([5] * count, "complete")
    text, event = decode(schema, wishing(listing("5"), "?"), max_tokens=500)
    assert (json.loads(text), event.finish, event.loops) == ([5], "loop", ((),))


def test_objects_that_repeat_themselves_end_the_outermost_list() -> None:
    schema = {"type": "object", "properties": {"name": TEXT}, "required": ["name"], "additionalProperties": False}
    script = wishing(listing('{"name": "ann"}', '{"name": "bob"}'), "?")
    text, event = decode(schema, script, many=True)
    assert (json.loads(text), event.finish, event.loops) == ([{"name": "ann"}, {"name": "bob"}], "loop", ((),))


def test_what_was_given_out_is_given_out_once() -> None:
    """A token may end an item and begin the next; where the list cannot end, nothing changes."""
    schema = {"type": "object", "properties": {"name": TEXT}, "required": ["name"], "additionalProperties": False}
    script = wishing(listing('{"name": "ann"}', '{"name": "bob"}'), "?")
    for least in range(1, 9):
        text, _ = decode(schema, script, many=True, min_items=least, max_tokens=400)
        assert len(json.loads(text)) >= max(2, least)


def test_values_are_given_out_as_they_are_sure() -> None:
    read = read_schema(person(note=TEXT))
    masks, model = Masks(Automaton(lower_schema(read, "spaced")), WALKS), ScriptedModel(VOCABULARY)
    space = Workspace(
        VOCABULARY, ForcedTokenizer(model), ScriptedSequences(VOCABULARY, wishing(member("city", "x. "), "?"))
    )
    request = Request(model.tokenize(b"?"), Matcher(masks), 200, bounds=ValueBounds())
    pieces = [event.data for event in Run([None], lambda *_: request).events(space) if event.data]
    assert len(pieces) >= 3
    assert json.loads(b"".join(pieces)) == {"name": "ok", "city": "x.", "note": "ok"}


def test_a_list_that_needs_its_items_is_left_to_the_model() -> None:
    schema = {"type": "array", "items": TEXT, "minItems": 5, "maxItems": 5}
    text, event = decode(schema, wishing(listing('"bread"'), "?"))
    assert (json.loads(text), event.finish) == (["bread"] * 5, "complete")


def test_a_text_that_must_be_longer_is_left_to_the_model() -> None:
    schema = person(name={"type": "string", "minLength": 30, "maxLength": 40})
    text, event = decode(schema, wishing(member("name", "john."), "?"))
    assert json.loads(text)["name"] == "john." * 8
    assert event.finish == "complete"


def test_a_value_has_its_bound() -> None:
    def counting(written: str) -> str:
        return (
            " ".join(map(str, range(900)))[len(written.removeprefix('{"name": "')) :]
            if '",' not in written
            else others(written)
        )

    bounds = ValueBounds(max_value_tokens=20)
    text, event = decode(person(), wishing(counting, "?"), bounds=bounds)
    assert json.loads(text)["name"] == "0 1 2 3 4 5 6 7 8 9"
    assert json.loads(text)["city"] == "ok"
    assert event.finish == "budget"
    text, _ = decode(person(), wishing(counting, "?"), max_tokens=100)
    assert 60 < len(json.loads(text)["name"]) < 76


def test_a_number_has_its_bound() -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
        "additionalProperties": False,
    }

    def wish(written: str) -> str:
        return ("123456789" * 20)[len(written) % 9 :]

    text, event = decode(schema, wishing(wish, "?"))
    assert 38 <= len(str(json.loads(text)["n"])) <= 80
    assert event.finish == "budget"


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=0.5, seed=2)])
@pytest.mark.parametrize("seed", range(6))
def test_equal_logits_give_equal_text_whatever_is_jumped(seed: int, sampling: Sampling) -> None:
    """A model that sees three bytes goes round in circles."""
    schema = person(items={"type": "array", "items": person()}, tags={"type": "array", "items": TEXT})
    bonus = np.array([20.0 * len(piece) if piece.isascii() else -50 for piece in PIECES], np.float32)
    looping = hashed_script(len(PIECES), seed, context=lambda tokens: b"".join(PIECES[token] for token in tokens)[-3:])
    answers = []
    for jump in ("off", "verified", "spelled"):
        answers.append(decode(schema, lambda tokens: looping(tokens) + bonus, jump=jump, sampling=sampling))
    texts = [(text, event.finish, event.loops) for text, event in answers]
    assert texts[0] == texts[1] == texts[2]
