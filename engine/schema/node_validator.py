"""Node validators: Pydantic's own judgement of the value of one node of a core schema, as a guard.

In: the node, with the definitions and the configuration that hold where it stands. Out: a callable that takes the value's
JSON bytes and raises ValueError (pydantic_core's ValidationError is one) when the value is not valid.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import CoreConfig, CoreSchema, SchemaValidator, core_schema


class NodeValidator:
    """Built at the first call. `name` is for messages; `context` is what validators see as `info.context`."""

    def __init__(
        self,
        name: str,
        node: CoreSchema,
        definitions: list[CoreSchema],
        config: CoreConfig | None,
        context: Any,
    ) -> None:
        self.name = name
        self._node, self._definitions, self._config, self._context = node, definitions, config, context
        self._validator: SchemaValidator | None = None

    def __call__(self, value_json: bytes) -> Any:
        try:
            return self._ready().validate_json(value_json, context=self._context)
        except TypeError as error:
            if not str(error).startswith("Unable to apply constraint"):
                raise
            raise ValueError(str(error)) from error  # Pydantic's own validator says so of a value of another type

    def passes(self, value: Any) -> bool:
        """Whether a JSON value is valid."""
        try:
            self(json.dumps(value, ensure_ascii=False).encode())
        except ValueError:
            return False
        return True

    def has_valid_default(self) -> bool:
        """Whether the default of the node passes its own validation."""
        try:
            self._ready().get_default_value(context=self._context)
        except ValueError:
            return False
        return True

    def judges(self, node: CoreSchema) -> bool:
        """Whether it is this node's."""
        return self._node is node

    def __deepcopy__(self, memo: dict[int, Any]) -> NodeValidator:
        return self  # the generator of JSON schemas copies what it compares

    def __repr__(self) -> str:
        return f"NodeValidator({self.name})"

    def _ready(self) -> SchemaValidator:
        if self._validator is None:
            self._validator = self._built()
        return self._validator

    def _built(self) -> SchemaValidator:
        node = self._node
        if self._definitions:
            ref = node.get("ref")
            if any(one.get("ref") == ref for one in self._definitions if ref):
                node = core_schema.definition_reference_schema(str(ref))
            node = core_schema.definitions_schema(node, self._definitions)
        return SchemaValidator(node, self._config)
