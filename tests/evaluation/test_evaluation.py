"""Scoring of values, fields, documents and runs, on small cases worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from engine.evaluation.evaluation import evaluate_rows
from engine.evaluation.fields import Field, evaluated_fields
from engine.evaluation.figures import difference
from engine.evaluation.labelled import Labelled, LabelledRow
from engine.evaluation.values import rightness


class Priced(BaseModel):
    price: Decimal | None
    code: int | str


PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "price": {"type": ["number", "null"]},
        "size": {"$ref": "#/$defs/Size"},
        "born": {"type": ["string", "null"], "format": "date"},
    },
    "$defs": {"Size": {"enum": ["small", "large"], "type": "string"}},
}


def row(answer: Any, output: Any, text: str = "Ann Lee is 20", id: str = "1") -> LabelledRow:
    return LabelledRow(Labelled(id, text, answer), output)


def test_fields_say_how_they_are_compared() -> None:
    assert evaluated_fields(PERSON) == (
        Field("name", "text", True),
        Field("age", "number", False),
        Field("tags", "list", True),
        Field("price", "number", False),
        Field("size", "text", False),
        Field("born", "text", False),
    )
    assert [x.kind for x in evaluated_fields(Priced)] == ["number", "text"]
    with pytest.raises(ValueError, match="schema of an object"):
        evaluated_fields({"type": "string"})
    with pytest.raises(ValueError, match="schema of an object"):
        evaluated_fields({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}})


@pytest.mark.parametrize(
    ("wanted", "got", "kind", "value"),
    [
        ("S. Wacker Dr.", "s wacker DR", "text", 1), ("ﬁne ½", "fine 1⁄2", "text", 1), ("a", "b", "text", 0),
        (None, None, "text", 1), (None, "", "text", 0), ("x", None, "text", 0), ("0.333", "0.3333333", "number", 1),
        (100, 100.4, "number", 1), (100, 101, "number", 0), (5, "many", "number", 0), (0, 0, "number", 1),
        (["a", "b"], ["B", "c"], "list", 0.5), ([], [], "list", 1), (["a"], [], "list", 0), (["a"], ["a", "a"], "list", 2 / 3),
        ("2018-12-25", "2018-12-25", "text", 1),
    ],
)  # fmt: skip
def test_how_right_a_value_is(wanted: Any, got: Any, kind: Any, value: float) -> None:
    assert rightness(wanted, got, kind) == pytest.approx(value)


def test_one_object_is_counted_field_by_field() -> None:
    rows = [
        row({"name": "Ann", "age": 20, "tags": ["a", "b"]}, {"name": "ann", "age": 21, "tags": ["a"]}),
        row({"name": "Bo", "age": None, "tags": []}, {"name": None, "age": 5, "tags": []}, id="2"),
        row({"name": "Cy", "age": None, "tags": ["x"]}, None, id="3"),
    ]
    figures = evaluate_rows(PERSON, rows).figures
    told = figures.as_json()["fields"]
    assert told["name"] == {"right": 1, "wrong": 0, "missing": 2, "null kept": 0, "invented": 0, "share": 0.3333}
    assert told["age"] == {"right": 0, "wrong": 1, "missing": 0, "null kept": 0, "invented": 1, "share": 0.0}
    assert told["tags"]["right"] == pytest.approx(1.667, abs=0.001)
    assert figures.tally.invalid == 1
    assert figures.nulls_kept == 0
    assert figures.filled_right == pytest.approx((1 + 2 / 3 + 1) / 7)
    assert figures.in_text == pytest.approx(2 / 2)  # Ann, a


def test_objects_are_paired_with_those_most_like_them() -> None:
    wanted = [{"name": "Ann", "age": 20}, {"name": "Bo", "age": 7}, {"name": "Cy", "age": None}]
    got = [{"name": "Cy", "age": None}, {"name": "Bo", "age": 8}, {"name": "Dee", "age": 1}]
    figures = evaluate_rows(PERSON, [row(wanted, got)]).figures
    assert figures.objects_f1 == pytest.approx(2 * 1 / 6)
    assert figures.fields_f1 == pytest.approx(2 * 2 / (5 + 5))
    told = figures.as_json()["fields"]["name"]
    assert told == {"right": 2, "wrong": 0, "missing": 1, "null kept": 0, "invented": 1, "share": 0.6667}


def test_the_worst_documents_come_first_and_right_ones_never() -> None:
    rows = [row({"name": n}, {"name": g}, id=n) for n, g in [("a", "a"), ("b", "x"), ("c", None)]]
    assert [x.document.id for x, _ in evaluate_rows(PERSON, rows).worst(5)] == ["b", "c"]


def test_a_difference_knows_whether_it_may_be_chance() -> None:
    bad = evaluate_rows(PERSON, [row({"name": "a"}, {"name": "x"}, id=str(i)) for i in range(20)]).tallies
    good = evaluate_rows(PERSON, [row({"name": "a"}, {"name": "a"}, id=str(i)) for i in range(20)]).tallies
    better = difference(bad, good, many=False)
    assert (better.value, better.low, better.high, better.certain) == (1, 1, 1, True)
    same = difference(bad[:10] + good[:10], good[:10] + bad[:10], many=False)
    assert same.value == 0
    assert same.low < 0 < same.high
    assert not same.certain
    with pytest.raises(ValueError, match="the same documents"):
        difference(bad, good[:3], many=False)
