"""JSON Schema: a schema without a Python type gives plain values; what would not be enforced is refused with its path."""

from __future__ import annotations

from engine import extract_one
from engine.errors import SchemaError

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 30},
        "people": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["port", "capital", "old"]}, "uniqueItems": True, "maxItems": 3},
    },
    "required": ["city", "people"],
    "additionalProperties": False,
}
TEXT = "Hamburg is a port on the Elbe with 1850000 people."


def main() -> None:
    found = extract_one(TEXT, SCHEMA)
    assert len(set(found.get("tags", []))) == len(found.get("tags", []))
    print(found)
    try:
        extract_one(TEXT, {"type": "integer", "minimum": 5, "maximum": 3})
    except SchemaError as error:
        print(error)


if __name__ == "__main__":
    main()
