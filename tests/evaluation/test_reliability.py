"""Confidence against rightness: the surest values, and by how much the probabilities are off."""

from __future__ import annotations

import pytest

from engine.evaluation.fields import Field
from engine.evaluation.labelled import Labelled, LabelledRow
from engine.evaluation.reliability import JudgedValue, judged_values, reliability

FIELDS = (Field("name", "text", True), Field("age", "number", False))


def test_the_curve_and_the_score() -> None:
    judged = [JudgedValue(0.9, True), JudgedValue(0.5, False), JudgedValue(0.8, True), JudgedValue(0.2, False)]
    found = reliability(judged)
    assert found is not None
    assert found.brier == pytest.approx((0.01 + 0.25 + 0.04 + 0.04) / 4)
    curve = found.as_json()["right_of_surest"]
    assert (curve["0.1"], curve["0.5"], curve["0.8"], curve["1"]) == (1, 1, round(2 / 3, 4), 0.5)
    assert reliability([]) is None


def test_values_of_one_object_are_judged_by_its_answer() -> None:
    document = Labelled("1", "Ann", {"name": "Ann", "age": None})
    row = LabelledRow(document, {"name": "ann.", "age": 3}, confidence={"/0/name": 0.9, "/0/age": 0.4, "/0/x": 0.1})
    assert judged_values(FIELDS, [row]) == [JudgedValue(0.9, True), JudgedValue(0.4, False)]
    assert judged_values(FIELDS, [LabelledRow(document, None, "error", confidence={"/0/name": 0.9})]) == []


def test_objects_of_a_list_are_judged_by_their_partners() -> None:
    document = Labelled("1", "Ann, Bob", [{"name": "Ann", "age": 1}, {"name": "Bob", "age": 2}])
    output = [{"name": "Bob", "age": 2}, {"name": "Eve", "age": 9}, {"name": "Ann", "age": 5}]
    sure = {f"/{index}/{name}": 0.5 for index in range(3) for name in ("name", "age")}
    row = LabelledRow(document, output, confidence=sure)
    assert [one.right for one in judged_values(FIELDS, [row])] == [True, True, False, False, True, False]
