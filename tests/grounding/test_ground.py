"""A schema as a document fills it."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, EmailStr, Field, HttpUrl

from engine.automaton.automaton import Automaton
from engine.extraction.compilation import array_of, lower_schema, read_schema
from engine.grounding.decision import FieldPath, Fill, Write
from engine.grounding.decisions import GroundedDecisions
from engine.grounding.document import GroundedDocument
from engine.grounding.ground import Accepts, Grounded, Grounder
from engine.grounding.recogniser import Reading
from engine.grounding.recognisers import usual_recognisers
from engine.grounding.source_text import SourceText
from engine.masks.mask import Masks, Walks
from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary
from engine.schema.grounding_marks import Free, Verbatim
from engine.schema.schema import Alternative

BYTES = Vocabulary.from_pieces([bytes([byte]) for byte in range(256)])


class Bill(BaseModel):
    shop: str
    day: date | None
    total: Annotated[float, Field(ge=1)]
    paid: bool
    kind: Literal["cash", "card"]
    note: Annotated[str, Free()] = ""


def ground(model: Any, text: str, **options: Any) -> Grounded:
    return Grounder(read_schema(model), usual_recognisers(), **options).ground(SourceText(text))


def accepts(grounded: Grounded, text: str) -> bool:
    vertex = grounded.schema.vertices[grounded.schema.root]
    assert len(vertex.alternatives) == 1
    return Accepts(grounded.schema, vertex.alternatives[0])(text.encode())


TEXT = "Corner Shop\n25 December 2018\nmilk 0.50 bread 3.10\nTOTAL 9.00"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"shop": "Corner Shop", "day": "2018-12-25", "total": 9, "paid": true, "kind": "cash", "note": "x"}', True),
        ('{"shop": "Corner Shop", "day": null, "total": 3.1, "paid": false, "kind": "card"}', True),
        ('{"shop": "Corner", "day": "2018-12-26", "total": 9, "paid": true, "kind": "cash"}', False),
        ('{"shop": "Corner Shop", "day": null, "total": 0.5, "paid": true, "kind": "cash"}', False),
        ('{"shop": "Corner Shop", "day": null, "total": 9.5, "paid": true, "kind": "cash"}', False),
        ('{"shop": "Corne", "day": null, "total": 9, "paid": true, "kind": "cash"}', False),
        ('{"shop": "corner shop", "day": null, "total": 9, "paid": true, "kind": "cash"}', False),
    ],
)
def test_values_stand_in_the_document(value: str, expected: bool) -> None:
    assert accepts(ground(Bill, TEXT), value) is expected


def test_other_constraints_hold_at_once() -> None:
    class Code(BaseModel):
        code: Annotated[str, Field(pattern="^[A-Z]{2}-[0-9]+$")]

    grounded = ground(Code, "see AB-12 and cd-13, or EF-9")
    assert accepts(grounded, '{"code": "AB-12"}')
    assert accepts(grounded, '{"code": "EF-9"}')
    assert not accepts(grounded, '{"code": "AB-13"}')
    assert not accepts(grounded, '{"code": "cd-13"}')


def test_what_the_document_does_not_say_is_null_or_missing() -> None:
    grounded = ground(Bill, "Corner Shop, total 9.00")
    assert accepts(grounded, '{"shop": "Corner Shop", "day": null, "total": 9, "paid": true, "kind": "cash"}')
    assert [path.rsplit("/properties/")[-1] for path in grounded.missing] == ["day/anyOf/0"]
    none = ground(Bill, "Corner Shop")
    assert not Accepts(none.schema, none.schema.vertices[none.schema.root].alternatives[0]).anything
    preferred = ground(Bill, "Corner Shop", prefer=True)
    assert accepts(preferred, '{"shop": "Corner Shop", "day": null, "total": 9, "paid": true, "kind": "cash"}')
    assert not accepts(preferred, '{"shop": "Corner", "day": null, "total": 0, "paid": true, "kind": "cash"}')


def test_marks_reach_the_schema() -> None:
    class Marked(BaseModel):
        line: Annotated[str | None, Verbatim("lines")]
        nested: list[Annotated[str, Verbatim(max_words=1)]]

    schema = read_schema(Marked)
    found: list[Alternative] = [one for vertex in schema.vertices.values() for one in vertex.alternatives]
    assert Verbatim("lines") in {one.grounding for one in found}
    assert Verbatim(max_words=1) in {one.grounding for one in found}
    grounded = ground(Marked, "Red Shop\nMain Street")
    assert accepts(grounded, '{"line": "Red Shop", "nested": ["Red", "Street"]}')
    assert not accepts(grounded, '{"line": "Red", "nested": []}')
    assert not accepts(grounded, '{"line": null, "nested": ["Red Shop"]}')


def test_a_recogniser_of_ones_own() -> None:
    class Dozens:
        def readings(self, text: str) -> Iterable[Reading]:
            at = text.find("a dozen")
            return [Reading(at, at + 7, Decimal(12))] if at >= 0 else []

    class Order(BaseModel):
        eggs: int

    grounder = Grounder(read_schema(Order), {"number": Dozens()})
    assert accepts(grounder.ground(SourceText("a dozen eggs, 3 loaves")), '{"eggs": 12}')
    assert not accepts(grounder.ground(SourceText("a dozen eggs, 3 loaves")), '{"eggs": 3}')


# -- decisions


def decisions(model: Any, text: str, *, many: bool = False) -> GroundedDecisions:
    schema = read_schema(model)
    root = array_of(schema, 0, None) if many else schema
    grounded = Grounder(root, usual_recognisers()).ground(SourceText(text))
    return GroundedDecisions(GroundedDocument(grounded), Walks(BYTES), "spaced")


def test_the_blanks_of_an_object_are_its_grounded_scalars() -> None:
    found = decisions(Bill, TEXT).at(b"", b'{"shop": "', {})
    assert isinstance(found, Fill)
    assert found.start == 0
    assert [blank.path for blank in found.blanks] == [("shop",), ("day",), ("total",)]
    matcher, state = found.blanks[1].begin(0, ())
    assert matcher.forced() == b'{"day": '
    assert not state.is_over
    assert state.feed(b'{"day": null').is_over
    closed = state.feed(b'{"day": "2018-12-25", ')
    assert closed.is_over
    assert closed.text == b'"2018-12-25"'
    assert found.blanks[2].spans(b"9") == ((TEXT.index("9.00"), len(TEXT)),)


def test_what_is_decided_is_written_up_to_the_next_free_member() -> None:
    values: dict[FieldPath, bytes] = {("shop",): b'"Corner Shop"', ("day",): b"null", ("total",): b"9"}
    found = decisions(Bill, TEXT).at(b"", b'{"shop": "', values)
    assert found == Write(b'{"shop": "Corner Shop", "day": null, "total": 9')
    assert decisions(Bill, TEXT).at(b'{"shop": "Corner', b"", values) == Write(b' Shop", "day": null, "total": 9')
    assert decisions(Bill, TEXT).at(b'{"shop": "Else', b"", values) is None


def test_one_more_item_is_decided_against_the_end_of_the_list() -> None:
    class User(BaseModel):
        name: str
        age: int

    found = decisions(User, "Ann is 3, Bo is 4", many=True)
    state = found.at(b'[{"name": "Ann", "age": 3', b"}", {})
    assert state is not None
    assert not isinstance(state, Fill | Write)
    assert state.feed(b"}]").ends_list
    more = state.feed(b'}, {"name": "Bo",')
    assert more.is_over
    assert not more.ends_list
    assert more.worth > state.feed(b'}, {"name": "Ann",').worth
    rest = found.at(b'[{"name": "Ann",', b' "age": ', {})
    assert isinstance(rest, Fill)
    assert [blank.path for blank in rest.blanks] == [(0, "age")]


def test_grammars_of_documents_are_made_of_the_same_rules() -> None:
    grounded = ground(Bill, TEXT)
    assert lower_schema(grounded.schema, "spaced").root == "root"


class Event(BaseModel):
    at: datetime
    until: time
    takes: timedelta
    mail: EmailStr
    page: HttpUrl
    price: Decimal
    seats: int


def test_each_kind_of_value_is_read() -> None:
    text = (
        "On 3 March 2023 at 7:30 pm, until 22:15 (2 hours 45 minutes). Write to ann.lee@example.org or see "
        "https://example.org/a. 12.50 each, two dozen seats."
    )
    value = {
        "at": "2023-03-03T19:30:00",
        "until": "22:15:00",
        "takes": "PT2H45M",
        "mail": "ann.lee@example.org",
        "page": "https://example.org/a",
        "price": "12.50",
        "seats": 24,
    }
    grounded = ground(Event, text)
    assert not grounded.missing
    assert accepts(grounded, json.dumps(value))
    document = GroundedDocument(grounded)
    assert {path[0] for path, span in document.chosen(json.dumps(value).encode()).items() if span} == set(value)
    for name, other in (("until", "22:16:00"), ("takes", "PT4H"), ("mail", "lee@example.org"), ("seats", 25)):
        assert not accepts(grounded, json.dumps({**value, name: other}))


def test_nothing_keeps_a_document_that_is_over() -> None:
    class Name(BaseModel):
        name: Annotated[str, Field(max_length=8)]
        other: str

    walks = Walks(BYTES)

    def decode(text: str) -> list[weakref.ref[object]]:
        grounded = ground(Name, text)
        matcher = Matcher(Masks(Automaton(lower_schema(grounded.schema, "spaced")), walks))
        for byte in b'{"name": "Ann':
            assert matcher.mask()[byte]
            matcher.accept(byte)
        found = GroundedDecisions(GroundedDocument(grounded), walks, "spaced").at(b"", b'{"name": "', {})
        assert isinstance(found, Fill)
        found.blanks[1].begin(0, ())[0].mask()
        return [weakref.ref(grounded.source), weakref.ref(grounded.source.pieces(Verbatim()))]

    kept = decode("Ann met Bob")
    gc.collect()
    assert [reference() for reference in kept] == [None, None]
