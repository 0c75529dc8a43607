"""The digest that a schema is known by: equal digests, equal constraints, equal descriptions in the prompt.

It covers the JSON Schema that the engine compiles, with its keywords for what plain JSON Schema would lose and with
titles and descriptions. Validators in Python are covered by their names, not by their code.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.extraction.compilation import read_schema
from engine.objects.item import item_annotation
from engine.schema.type_reader import core_document


def schema_sha256(model: Any) -> str:
    """The sha256 of a Pydantic type or a JSON Schema (a dict or a bool), in hexadecimal; raises `SchemaError`."""
    annotation = item_annotation(model)
    read_schema(annotation)
    document = annotation if isinstance(annotation, dict | bool) else core_document(annotation)
    # Members keep their order: it is the order in which they are decoded.
    text = json.dumps(document, ensure_ascii=True, default=_named)
    return hashlib.sha256(text.encode()).hexdigest()


def _named(value: Any) -> str:
    """What is no JSON in it: a validator, known by its name, or a pattern, by what it says."""
    return f"{type(value).__name__}:{getattr(value, 'name', None) or value!r}"
