"""Uses of `info`: whether the validators of a node look at the fields beside it, through `info.data`.

In: a node of a core schema. Such a node cannot be judged by itself, only with the whole object that it stands in. What is inside
another object looks at that one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.schema.pydantic_names import is_of_pydantic

_OBJECTS = frozenset({"model-fields", "dataclass-args", "typed-dict"})  # a model's own before validators are outside
_PARTS = (
    *("schema", "items_schema", "keys_schema", "values_schema", "steps"),
    *("lax_schema", "strict_schema", "json_schema", "arguments_schema", "fields"),
)


def needs_sibling_fields(schema: Any, definition: Callable[[str], Any]) -> bool:
    """Whether a user's validator in the node is given `info`; `definition` finds what a reference leads to."""
    pending, seen = [schema], set[str]()
    while pending:
        node = pending.pop()
        if isinstance(node, list | tuple):
            pending += node
        elif isinstance(node, dict) and "type" not in node:
            pending += node.values()
        elif isinstance(node, dict) and node["type"] not in _OBJECTS:
            if _is_given_info(node):
                return True
            if node["type"] == "definition-ref" and node["schema_ref"] not in seen:
                seen.add(node["schema_ref"])
                pending.append(definition(node["schema_ref"]))
            pending += [node[part] for part in _PARTS if part in node]
            pending += node["choices"].values() if isinstance(node.get("choices"), dict) else node.get("choices", ())
    return False


def _is_given_info(node: dict[str, Any]) -> bool:
    if not node["type"].startswith("function-") or node["function"]["type"] != "with-info":
        return False
    function = node["function"]["function"]
    return not is_of_pydantic(function)
