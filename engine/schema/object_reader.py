"""Object reader: the containers of a core schema (models, dataclasses, typed dicts, dicts, sets, tagged unions).

Keys are aliases where the model says so. `extra="ignore"` (the default) and `"forbid"` become a closed object, `"allow"` an
open one whose further keys are none that a field also answers to.
"""

from __future__ import annotations

import inspect
import json
from enum import Enum
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticOmit, core_schema, to_jsonable_python

from engine.formats.named_languages import OPERATORS
from engine.schema import spellings
from engine.schema.bounds import integer_key
from engine.schema.core_reader import ALIASES_KEYWORD, GUARDS_KEYWORD, PATTERNS_KEYWORD, CoreReader
from engine.schema.enum_values import enum_values
from engine.schema.field_keys import FieldKeys, field_keys, fields_of
from engine.schema.hashable_types import hashable_values, is_hashable, without_unhashable
from engine.schema.pydantic_names import is_of_pydantic
from engine.schema.schema import Json
from engine.schema.uses_info import needs_sibling_fields

_WITH_FIELDS = ("model-fields", "dataclass-args", "typed-dict")
_UNWRITTEN_KEYS = ("int", "float", "bool", "literal", "enum")
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
        if items["type"] == "any":
            return {"allOf": [self.generate_inner(items)], "type": ["string", "number", "boolean", "null"]}
        found = is_hashable(items)
        if found is False:
            return False
        made = self.generate_inner(without_unhashable(items))
        return made if found else self.guarded(made, hashable_values(items), "hashable")

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
            return {"type": "string", PATTERNS_KEYWORD: [bounded or spellings.INTEGER_KEY]}, bounded is not None
        if kind in _KEY_SPELLINGS:
            bounds = schema.keys() & {*OPERATORS, "multiple_of"}
            return {"type": "string", PATTERNS_KEYWORD: [_KEY_SPELLINGS[kind]]}, not bounds and (
                least < 2 or kind == "bool"
            )
        if kind == "any":
            return {}, True
        if kind in ("literal", "enum"):
            return {"enum": self._key_texts(schema)}, True
        inner = self._inside_of_key(schema)
        if inner is not None:
            keys, exact = self._keys(inner, least)
            return keys, exact and kind in ("nullable", "definition-ref")
        made = self.generate_inner(schema)
        if kind == "str" and not (made.keys() - {"type", "minLength", "maxLength", PATTERNS_KEYWORD}):
            return made, least < 2 or not self.changes(schema)
        return {"allOf": [made, {"type": "string"}]}, least < 2 and not _is_guarded(made)

    def _inside_of_key(self, schema: Any) -> Any:
        """What stands for a key that is not a string itself; None where it has a spelling as a string."""
        if schema["type"] == "definition-ref":
            return self.definition(schema["schema_ref"])
        if schema["type"] == "nullable":
            return schema["schema"]  # no key is null
        inner = schema
        while inner["type"].startswith("function-") and "schema" in inner:
            inner = inner.get("json_schema_input_schema") or inner["schema"]
        return inner if inner is not schema and inner["type"] in _UNWRITTEN_KEYS else None

    def _key_texts(self, schema: Any) -> list[str]:
        """Keys that stand for the values of a literal or an enum."""
        values = schema.get("expected") or schema["members"]
        node = core_schema.dict_schema(keys_schema=schema, values_schema=core_schema.any_schema())
        judge = self.guard(node, "keys")
        texts = enum_values(values, self.guard(schema, "literal"))
        keys = dict.fromkeys(text if isinstance(text, str) else json.dumps(text) for text in texts)
        return [key for key in keys if judge.passes({key: None})]

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
        with self.configured(config), self.open_object(hoisted):
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
        return self._members(schema)

    def dataclass_args_schema(self, schema: Any) -> Json:
        """The members of a dataclass."""
        return self._members(schema)

    def typed_dict_schema(self, schema: Any) -> Json:
        """A typed dict."""
        hoisted: list[str] = []
        with self.configured(schema.get("config") or self.core_config), self.open_object(hoisted):
            made = self._members(schema)
        if schema.get("cls") is not None:
            made = self._described(made, schema["cls"], None)
        return self.guarded(made, schema, ", ".join(hoisted)) if hoisted else made

    def _required(self, schema: Any) -> set[str]:
        """The names of the fields that must be there."""
        fields = fields_of(schema)
        if schema["type"] == "typed-dict":
            return {name for name, field in fields.items() if field.get("required", schema.get("total", True))}
        return {name for name, field in fields.items() if not self._may_be_left_out(field["schema"])}

    def _members(self, schema: Any) -> Json:
        fields, required = fields_of(schema), self._required(schema)
        read = field_keys(fields, self.core_config, required)
        properties: dict[str, Json] = {}
        aliases: dict[str, list[str]] = {}
        needed = []
        for name, field in fields.items():
            key, *others = self._keys_of(name, read[name])
            try:
                with self.at(key):
                    properties[key] = self.generate_inner(field)
            except PydanticOmit:
                if name in required:
                    raise self.refused(
                        "SkipJsonSchema", f"field {name!r} must be there, and nothing says of what"
                    ) from None
                continue
            if others:
                aliases[key] = others
            if name in required:
                needed.append(key)
            elif self._asks_others(field["schema"]):
                self._hoisted[-1].append(f"default of {name}")
        extra = schema.get("extra_behavior") or self.core_config.get("extra_fields_behavior") or "ignore"
        additional: Json = False
        if extra == "allow":
            extras = schema.get("extras_schema")
            additional = self.generate_inner(extras) if extras is not None else True
            keys = schema.get("extras_keys_schema")
            if keys is not None:
                raise self.refused("extras_keys_schema", "validators of additional keys are not enforced")
            sought = [key for name in fields for key in (name, *read[name].sought)]
            known = {*properties, *(alias for those in aliases.values() for alias in those)}
            properties |= {key: False for key in sought if key not in known}
        made: Json = {"type": "object", "properties": properties, "additionalProperties": additional}
        return made | ({ALIASES_KEYWORD: aliases} if aliases else {}) | ({"required": needed} if needed else {})

    def _keys_of(self, name: str, read: FieldKeys) -> tuple[str, ...]:
        if read.keys:
            return read.keys
        if read.shared:
            keys = ", ".join(map(repr, read.shared))
            raise self.refused(
                "alias", f"field {name!r} has no key of its own: {keys} would be read for other fields too"
            )
        raise self.refused("validation_alias", f"field {name!r} is read from inside another value")

    def _may_be_left_out(self, schema: Any) -> bool:
        """Whether there is a default and, where defaults are validated, whether it is valid."""
        if schema["type"] != "default":
            return False
        if not self._validates_default(schema) or self._asks_others(schema):
            return True
        return self.guard(schema, "default").has_valid_default()

    def _validates_default(self, schema: Any) -> bool:
        return bool(schema.get("validate_default", self.core_config.get("validate_default", False)))

    def _asks_others(self, schema: Any) -> bool:
        """Whether a default is made of the other fields, or validated with them."""
        if schema["type"] != "default" or not self._validates_default(schema):
            return False
        return bool(schema.get("default_factory_takes_data")) or needs_sibling_fields(schema, self.definition)

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
        sought = self._tag_sought(discriminator)
        return {"anyOf": [self._tagged(member, tags, sought) for member, tags in members]}

    def _tag_sought(self, discriminator: Any) -> list[str]:
        """The keys that the tag is sought under."""
        if isinstance(discriminator, str):
            return [discriminator]
        paths = [one if isinstance(one, list) else [one] for one in discriminator]
        single = [path[0] for path in paths if len(path) == 1 and isinstance(path[0], str)]
        if not single:
            raise self.refused("discriminator", "the tag is inside another value")
        return single

    def _tagged(self, member: Any, tags: list[Json], sought: list[str]) -> Json:
        """The member with one of the tags; the order of its fields comes first."""
        keys, taken = self._tag_keys(member, sought)
        key, *others = keys
        # Pydantic takes the first of them that is there, whatever it is in this member: another field may have its name.
        last = max((sought.index(one) for one in keys if one in sought), default=0)
        earlier = [one for one in sought[:last] if one not in keys or one in taken]
        properties = {one: {"enum": tags} for one in (key, *earlier)}
        tag = {"required": [key], "properties": properties} | ({ALIASES_KEYWORD: {key: others}} if others else {})
        return {"allOf": [self.generate_inner(member), tag]}

    def _tag_keys(self, member: Any, sought: list[str]) -> tuple[list[str], list[str]]:
        """The keys that the member's tag is read from, of those that the union looks at; and those that another field of the
        member is read from."""
        kind = member["type"]
        if kind == "definition-ref":
            return self._tag_keys(self.definition(member["schema_ref"]), sought)
        with self.configured(member.get("config") or self.core_config):
            if kind in _WITH_FIELDS:
                read = field_keys(fields_of(member), self.core_config, self._required(member))
                found = {name: [key for key in one.keys if key in sought] for name, one in read.items()}
                # The name of the tag's field is sought first, where it has an alias too.
                tag = sought[0] if found.get(sought[0]) else next((name for name, keys in found.items() if keys), None)
                taken = {key for name, keys in found.items() if name != tag for key in keys}
                return (sought if tag is None else found[tag]), sorted(taken)
            inner = next(iter(member["choices"].values())) if kind == "tagged-union" else member.get("schema")
            return self._tag_keys(inner, sought) if inner is not None else (sought, [])


def _is_guarded(made: Json) -> bool:
    """Whether a guard, or a reference to what may have one, is in it."""
    if isinstance(made, dict):
        return bool({GUARDS_KEYWORD, "$ref"} & made.keys()) or any(map(_is_guarded, made.values()))
    return isinstance(made, list) and any(map(_is_guarded, made))


def _callable_name(function: Any) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


def _overrides(cls: type, name: str) -> bool:
    """Whether a class between it and BaseModel defines the method itself."""
    for one in cls.__mro__:
        if one is BaseModel:
            return False
        defined = one.__dict__.get(name)
        if defined is not None and not is_of_pydantic(defined):
            return True
    return False
