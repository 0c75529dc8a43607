"""Dialects of JSON Schema: which `$schema` means which rules, and which keyword exists in which of them.

A document without `$schema` is read by the rules of draft 2020-12, with the older spellings beside them (array-form
`array_shape`, `definitions`, `dependencies`, boolean exclusive bounds), because that is how such documents are written.
"""

from __future__ import annotations

from enum import Enum

from engine.errors import UnsupportedSchema
from engine.schema.schema import Json


class Dialect(Enum):
    """A draft; `LENIENT` is a document that names none."""

    DRAFT4 = "http://json-schema.org/draft-04/schema"
    DRAFT6 = "http://json-schema.org/draft-06/schema"
    DRAFT7 = "http://json-schema.org/draft-07/schema"
    DRAFT2019 = "https://json-schema.org/draft/2019-09/schema"
    DRAFT2020 = "https://json-schema.org/draft/2020-12/schema"
    LENIENT = ""

    __hash__ = object.__hash__

    @property
    def reference_stands_alone(self) -> bool:
        """Up to draft 7 whatever stands beside `$ref` is ignored."""
        return self in _OLD

    @property
    def identifier(self) -> str:
        """The keyword that names a resource."""
        return "id" if self is Dialect.DRAFT4 else "$id"


_OLD = frozenset({Dialect.DRAFT4, Dialect.DRAFT6, Dialect.DRAFT7})
_BY_URI = {dialect.value: dialect for dialect in Dialect if dialect.value}
_SINCE_2019 = frozenset({Dialect.DRAFT2019, Dialect.DRAFT2020, Dialect.LENIENT})
_SINCE_2020 = frozenset({Dialect.DRAFT2020, Dialect.LENIENT})
_BEFORE_2020 = frozenset(Dialect) - {Dialect.DRAFT2020}

# Keywords that do not exist in every dialect. Draft 4 is read with the assertions of draft 7 (`const`, `contains`,
# `propertyNames`, `if`): who writes them there means them, and enforcing them is the narrower reading.
_EXISTS = {
    "prefixItems": _SINCE_2020,
    "$dynamicRef": _SINCE_2020,
    "$recursiveRef": frozenset({Dialect.DRAFT2019}),
    "unevaluatedItems": _SINCE_2019,
    "unevaluatedProperties": _SINCE_2019,
    "dependentRequired": _SINCE_2019,
    "dependentSchemas": _SINCE_2019,
    "minContains": _SINCE_2019,
    "maxContains": _SINCE_2019,
    "additionalItems": _BEFORE_2020,
}


def exists(keyword: str, dialect: Dialect) -> bool:
    """Whether a keyword that the engine knows is one in this dialect."""
    known = _EXISTS.get(keyword)
    return known is None or dialect in known


def dialect_named(uri: Json, path: str) -> Dialect:
    """The dialect that a `$schema` names; raises UnsupportedSchema for one that is not known."""
    if isinstance(uri, str):
        bare = uri.removesuffix("#").rstrip("/")
        found = (
            _BY_URI.get(bare)
            or _BY_URI.get(bare.replace("https:", "http:"))
            or _BY_URI.get(bare.replace("http:", "https:"))
        )
        if found is not None:
            return found
        if bare in ("http://json-schema.org/schema", "https://json-schema.org/schema"):
            return Dialect.LENIENT
    raise UnsupportedSchema(path, "$schema", f"unknown dialect {uri!r}")
