"""Object reader: the containers of a core schema (models, dataclasses, typed dicts, dicts, sets, tagged unions).

Keys are aliases where the model says so. `extra="ignore"` (the default) and `"forbid"` become a closed object, `"allow"` an
open one whose further keys are none that a field also answers to.
"""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticOmit, to_jsonable_python

from engine.regular.languages import OPERATORS
from engine.schema import spellings
from engine.schema.bounds import integer_key
from engine.schema.core_reader import GUARDS, HINT, PATTERNS, CoreReader
from engine.schema.hashability import hashable, hashed
from engine.schema.schema import Json

_KEY_SPELLINGS = {"float": spellings.NUMBER_KEY, "bool": spellings.BOOLEAN_KEY}


class ObjectReader(CoreReader):
    """The whole generator."""

    # -- arrays and dicts

    def set_schema(self, schema: Any) -> Json:
        """Items are distinct; lengths count what is left after conversion."""
        made = super().set_schema({key: value for key, value in schema.items() if key != "items_schema"})  # type: ignore[arg-type]
        made["items"] = self._hashed(schema.get("items_schema", {"type": "any"}))
        return self.guarded(made, schema, "set length") if "min_length" in schema else made

    def _hashed(self, items: Any) -> Json:
        made = self.generate_inner(items)
        if items["type"] == "any":
            return {"allOf": [made], "type": ["string", "number", "boolean", "null"]}
        found = hashable(items)
        return made if found else False if found is False else self.guarded(made, hashed(items), "hashable")

    def frozenset_schema(self, schema: Any) -> Json:
        """As a set."""
        return self.set_schema(schema)

    def call_schema(self, schema: Any) -> Json:
        """Arguments of a call; the call itself may raise."""
        return self.guarded(super().call_schema(schema), schema, "call")

    def _common_dict_schema(self, schema: Any) -> Json:
        with self.at("*"):
            values = self.generate_inner(schema["values_schema"]) if "values_schema" in schema else {}
            keys, exact = self._keys(schema.get("keys_schema", {"type": "str"}), schema.get("min_length", 0))
        made: Json = {"type": "object", "additionalProperties": values, "propertyNames": keys}
        if not keys.keys() - {"type"}:
            del made["propertyNames"]
        self.update_with_validations(made, schema, self.ValidationsMapping.object)
        return made if exact else self.guarded(made, schema, "keys")

    def _keys(self, schema: Any, least: int) -> tuple[Json, bool]:
        """What a key is in JSON, and whether that is all that Pydantic demands of at least so many different ones."""
        kind = schema["type"]
        if kind == "int":
            bounded = integer_key(schema)
            return {"type": "string", PATTERNS: [bounded or spellings.INTEGER_KEY]}, bounded is not None
        if kind in _KEY_SPELLINGS:
            bounds = schema.keys() & {*OPERATORS, "multiple_of"}
            return {"type": "string", PATTERNS: [_KEY_SPELLINGS[kind]]}, not bounds and (least < 2 or kind == "bool")
        if kind == "any":
            return {}, True
        made = self.generate_inner(schema)
        if kind == "str" and not (made.keys() - {"type", "minLength", "maxLength", PATTERNS, HINT}):
            return made, True
        told_apart = least < 2 or kind in ("literal", "enum")
        return {"allOf": [made, {"type": "string"}]}, told_apart and not _is_guarded(made)

    # -- objects

    def model_schema(self, schema: Any) -> Json:
        """A model; what its own code may refuse is judged by the whole model."""
        cls = schema["cls"]
        own = []
        if schema.get("custom_init"):
            own.append(f"{cls.__name__}.__init__")
        if schema.get("post_init") and _overrides(cls, "model_post_init"):
            own.append(f"{cls.__name__}.model_post_init")
        return self._object(schema, cls, own)

    def dataclass_schema(self, schema: Any) -> Json:
        """A dataclass."""
        cls = schema["cls"]
        return self._object(schema, cls, [f"{cls.__name__}.__post_init__"] if schema.get("post_init") else [])

    def _object(self, schema: Any, cls: type, own: list[str]) -> Json:
        hoisted = [*own]
        config = schema.get("config") or self.core_config
        with self.configured(config), self.open_object(hoisted), self._config_wrapper_stack.push(_python_config(cls)):
            made = self.generate_inner(schema["schema"])
        made = self._described(made, cls, config.get("title"))
        return self.guarded(made, schema, ", ".join(dict.fromkeys(hoisted))) if hoisted else made

    def _described(self, made: Json, cls: type, title: str | None) -> Json:
        made = {"allOf": [made]} if "$ref" in made else made
        document = None if cls is BaseModel or cls.__doc__ is None else inspect.cleandoc(cls.__doc__)
        if document and not document.startswith(f"{cls.__name__}("):
            made = {"description": document} | made
        return {"title": title or cls.__name__} | made

    def model_fields_schema(self, schema: Any) -> Json:
        """The members of a model."""
        required = {name: not self._may_be_left_out(name, field["schema"]) for name, field in schema["fields"].items()}
        return self._members(schema, schema["fields"], required)

    def dataclass_args_schema(self, schema: Any) -> Json:
        """The members of a dataclass."""
        fields = {field["name"]: field for field in schema["fields"] if field.get("init", True)}
        required = {name: not self._may_be_left_out(name, field["schema"]) for name, field in fields.items()}
        return self._members(schema, fields, required)

    def typed_dict_schema(self, schema: Any) -> Json:
        """A typed dict."""
        total = schema.get("total", True)
        required = {name: field.get("required", total) for name, field in schema["fields"].items()}
        hoisted: list[str] = []
        with self.configured(schema.get("config") or self.core_config), self.open_object(hoisted):
            made = self._members(schema, schema["fields"], required)
        if schema.get("cls") is not None:
            made = self._described(made, schema["cls"], None)
        return self.guarded(made, schema, ", ".join(hoisted)) if hoisted else made

    def _members(self, schema: Any, fields: dict[str, Any], required: dict[str, bool]) -> Json:
        properties: dict[str, Json] = {}
        answering: set[str] = set()
        needed = []
        for name, field in fields.items():
            key, others = self._key(name, field)
            answering |= {name, *others}
            if key in properties:
                raise self.refused("alias", f"two fields are read from the key {key!r}")
            try:
                with self.at(key):
                    properties[key] = self.generate_inner(field)
            except PydanticOmit:
                if required[name]:
                    raise self.refused(
                        "SkipJsonSchema", f"field {name!r} must be there, and nothing says of what"
                    ) from None
                continue
            if required[name]:
                needed.append(key)
        extra = schema.get("extra_behavior") or self.core_config.get("extra_fields_behavior") or "ignore"
        additional: Json = False
        if extra == "allow":
            extras = schema.get("extras_schema")
            additional = self.generate_inner(extras) if extras is not None else True
            keys = schema.get("extras_keys_schema")
            if keys is not None:
                raise self.refused("extras_keys_schema", "validators of additional keys are not enforced")
            properties |= {key: False for key in answering if key not in properties}
        made: Json = {"type": "object", "properties": properties, "additionalProperties": additional}
        return made | ({"required": needed} if needed else {})

    def _may_be_left_out(self, name: str, schema: Any) -> bool:
        """Whether there is a default and, where defaults are validated, whether it is valid."""
        if schema["type"] != "default":
            return False
        if not schema.get("validate_default", self.core_config.get("validate_default", False)):
            return True
        if schema.get("default_factory_takes_data"):
            self._hoisted[-1].append(f"default of {name}")  # it is made of the other fields
            return True
        return self.guard(schema, "default").has_valid_default()

    def _key(self, name: str, field: Any) -> tuple[str, list[str]]:
        """The key that a field is read from, and all keys that it answers to."""
        alias = field.get("validation_alias")
        if alias is None or self.core_config.get("validate_by_alias") is False:
            return name, []
        if isinstance(alias, str):
            return alias, [alias]
        paths = [one if isinstance(one, list) else [one] for one in alias]
        paths = [alias] if paths and all(len(one) == 1 for one in paths) and not isinstance(alias[0], list) else paths
        heads = [str(path[0]) for path in paths]
        for path in paths:
            if len(path) == 1 and isinstance(path[0], str):
                return path[0], heads
        raise self.refused("validation_alias", f"field {name!r} is read from inside another value")

    # -- tagged unions

    def tagged_union_schema(self, schema: Any) -> Json:
        """Each member with the tags that lead to it; a function that finds the tag is a guard."""
        discriminator = schema["discriminator"]
        members: list[tuple[Any, list[Json]]] = []
        for tag, member in schema["choices"].items():
            value = to_jsonable_python(tag.value if isinstance(tag, Enum) else tag)
            known = next((tags for other, tags in members if other is member), None)
            if known is None:
                members.append((member, [value]))
            else:
                known.append(value)
        if callable(discriminator):
            made = {"anyOf": [self.generate_inner(member) for member, _ in members]}
            return self.guarded(made, schema, _callable_name(discriminator))
        key = self._discriminating_key(discriminator)
        return {
            "anyOf": [
                {"allOf": [self.generate_inner(member)], "required": [key], "properties": {key: {"enum": tags}}}
                for member, tags in members
            ]
        }

    def _discriminating_key(self, discriminator: Any) -> str:
        if isinstance(discriminator, str):
            return discriminator
        paths = [one if isinstance(one, list) else [one] for one in discriminator]
        single = [path[0] for path in paths if len(path) == 1 and isinstance(path[0], str)]
        if not single:
            raise self.refused("discriminator", "the tag is inside another value")
        return str(single[-1])


def _is_guarded(made: Json) -> bool:
    """Whether a guard, or a reference to what may have one, is in it."""
    if isinstance(made, dict):
        return bool({GUARDS, "$ref"} & made.keys()) or any(map(_is_guarded, made.values()))
    return isinstance(made, list) and any(map(_is_guarded, made))


def _callable_name(function: Any) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


def _python_config(cls: type) -> Any:
    return getattr(cls, "model_config", None) or getattr(cls, "__pydantic_config__", None) or {}


def _overrides(cls: type, name: str) -> bool:
    """Whether a class between it and BaseModel defines the method itself."""
    for one in cls.__mro__:
        if one is BaseModel:
            return False
        defined = one.__dict__.get(name)
        if defined is not None and getattr(defined, "__module__", "").split(".")[0] != "pydantic":
            return True
    return False
