"""Field keys: the keys of a JSON object that the fields of a core schema are read from.

In: the fields of a model, a dataclass or a typed dict, and the configuration that holds there. Out: for each field its keys in
the order in which Pydantic tries them, aliases before the name; the first one is canonical. A key that two fields would read
is no key of either, for what is meant for one would go to the other as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

AliasPath = list[Any]


@dataclass(frozen=True, slots=True)
class FieldKeys:
    """`keys` are those that the field can be written under, `sought` all that Pydantic looks at, heads of paths too; `shared`
    are keys that would be its own, were they not read by other fields as well."""

    keys: tuple[str, ...]
    sought: tuple[str, ...]
    shared: tuple[str, ...]


def fields_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a model, a dataclass or a typed dict that are read from its input."""
    fields = schema["fields"]
    if isinstance(fields, dict):
        return fields
    return {field["name"]: field for field in fields if field.get("init", True)}


def field_keys(
    fields: Mapping[str, Any], config: Mapping[str, Any], required: Collection[str] = ()
) -> dict[str, FieldKeys]:
    """The keys of each field; none where it is read from inside other values only, or from keys of other fields.

    Of a `required` field the first key that is there is read; it does not look at those behind.
    """
    paths = {name: _paths(name, field.get("validation_alias"), config) for name, field in fields.items()}
    shared = _shared(paths.values())
    shared = _shared(_until(those, shared) if name in required else those for name, those in paths.items())
    found = {}
    for name, those in paths.items():
        read = _until(those, shared) if name in required else those
        keys = dict.fromkeys(path[0] for path in read if _is_key(path))
        found[name] = FieldKeys(
            keys=tuple(key for key in keys if key not in shared),
            sought=tuple(dict.fromkeys(str(path[0]) for path in those)),
            shared=tuple(key for key in keys if key in shared),
        )
    return found


def _paths(name: str, alias: Any, config: Mapping[str, Any]) -> list[AliasPath]:
    if alias is None or config.get("validate_by_alias") is False:
        return [[name]]
    found = [[alias]] if isinstance(alias, str) else alias if alias and isinstance(alias[0], list) else [alias]
    return [*found, [name]] if config.get("validate_by_name") else list(found)


def _shared(fields: Iterable[list[AliasPath]]) -> set[str]:
    """The keys that more than one field looks at."""
    seen = Counter(head for paths in fields for head in {path[0] for path in paths})
    return {head for head, count in seen.items() if count > 1}


def _until(paths: list[AliasPath], shared: set[str]) -> list[AliasPath]:
    """The paths up to the first shared one behind a key of the field's own."""
    own = False
    for index, path in enumerate(paths):
        if own and path[0] in shared:
            return paths[:index]
        own = own or (_is_key(path) and path[0] not in shared)
    return paths


def _is_key(path: AliasPath) -> bool:
    return len(path) == 1 and isinstance(path[0], str)
