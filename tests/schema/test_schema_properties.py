"""The graph of a random schema accepts just the values that jsonschema accepts."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schema_acceptance import accepts
from schema_strategies import documents, values

from engine.errors import UnsatisfiableSchema
from engine.schema import read_json_schema


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents(), instances=st.lists(values(), min_size=8, max_size=20))
def test_graph_accepts_what_jsonschema_accepts(document: Any, instances: list[Any]) -> None:
    oracle = Draft202012Validator(document)
    try:
        schema = read_json_schema(document)
    except UnsatisfiableSchema:
        assert not [value for value in instances if oracle.is_valid(value)]
        return
    for value in instances:
        assert accepts(schema, value) == oracle.is_valid(value), value
