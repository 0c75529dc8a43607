"""Library types: what Pydantic builds of validators of its own, recognised in a core schema and given its language.

Pydantic makes many types of a string and a function: addresses, secrets, paths, encoded bytes, URLs, mailboxes. Known
functions are told by their identity; where the language says all that the function checks, no guard is left. What is not
recognised (None) is read like anybody's validator.
"""

from __future__ import annotations

import ipaddress
import zoneinfo
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from pydantic import ByteSize, EmailStr, ImportString, IPvAnyAddress, IPvAnyInterface, IPvAnyNetwork, NameEmail
from pydantic.types import Base64Encoder, Base64UrlEncoder, EncodedBytes, EncodedStr, SecretBytes, SecretStr
from pydantic_core import CoreConfig

from engine.errors import UnsupportedSchema
from engine.formats.named_languages import NamedLanguage
from engine.schema import pydantic_names as names
from engine.schema import spellings
from engine.schema.pydantic_names import is_named
from engine.schema.schema import Json


class CoreSchemaReader(Protocol):
    """What is needed of the generator that reads the core schema."""

    def generate_inner(self, schema: Any) -> Json: ...

    def guarded(self, made: Json, schema: Any, name: str) -> Json: ...

    def refused(self, keyword: str, reason: str) -> UnsupportedSchema: ...

    def uuid_schema(self, schema: Any) -> Json: ...

    @property
    def core_config(self) -> CoreConfig: ...


def string(*patterns: NamedLanguage | None, **keywords: Json) -> Json:
    """A string in a canonical spelling."""
    found: Json = {"type": "string", "x-engine-patterns": [one for one in patterns if one]}
    return found | keywords


def library_type(reader: CoreSchemaReader, schema: Any) -> Json | None:
    """The JSON Schema of a node that Pydantic's own code made; None if it is none of those."""
    found = _READERS.get(schema["type"])
    return found(reader, schema) if found is not None else None


def called(schema: Mapping[str, Any]) -> Any:
    """The function of a validator."""
    return schema["function"]["function"]


def _owner(function: Any) -> Any:
    return getattr(function, "__self__", None)


_ADDRESSES: dict[Any, Json] = {
    getattr(ipaddress, f"IPv{version}{kind.title()}"): string(NamedLanguage(kind, (version,)))
    for version in (4, 6)
    for kind in ("address", "network", "interface")
}
_EITHER_ADDRESS: dict[Any, str] = {IPvAnyAddress: "Address", IPvAnyNetwork: "Network", IPvAnyInterface: "Interface"}


def _lax_or_strict(reader: CoreSchemaReader, schema: Any) -> Json | None:
    lax, strict = schema["lax_schema"], schema["strict_schema"]
    if lax["type"] == "function-wrap":
        function = called(lax)
        defaulting = isinstance(function, partial) and is_named(function.func, names.DEFAULT_DICT)
        return reader.generate_inner(lax["schema"]) if defaulting else None
    if strict["type"] == "json-or-python" and strict["json_schema"]["type"] == "function-after":
        return _of_text(reader, strict["json_schema"], configured=is_strict(reader, schema))
    return None


def _json_or_python(reader: CoreSchemaReader, schema: Any) -> Json | None:
    made = schema["json_schema"]
    return _of_text(reader, made) if made["type"] == "function-after" else None


def is_strict(reader: CoreSchemaReader, schema: Any) -> bool:
    """Whether the strict side of a node is what validates."""
    return bool(schema.get("strict", reader.core_config.get("strict", False)))


def _of_text(reader: CoreSchemaReader, schema: Any, *, configured: bool = True) -> Json | None:
    """What a class or a function of Pydantic's makes of JSON; `configured` if the lengths of the configuration hold."""
    function, inner = called(schema), schema["schema"]
    if isinstance(function, type) and function in _ADDRESSES and _is_bare(inner):
        address = dict(_ADDRESSES[function])
        return {"allOf": [reader.generate_inner(inner), address]} if configured else address
    if function in (SecretStr, SecretBytes) or is_named(function, names.SECRET, names.FILE_PATH):
        return reader.generate_inner(inner)
    return None


def _is_bare(schema: Any) -> bool:
    return schema["type"] == "str" and not schema.keys() - {"type", "strict", "metadata"}


def _plain(reader: CoreSchemaReader, schema: Any) -> Json | None:
    function = called(schema)
    kind = _EITHER_ADDRESS.get(_owner(function))
    if kind is not None:
        return {"anyOf": [dict(_ADDRESSES[getattr(ipaddress, f"IPv{version}{kind}")]) for version in (4, 6)]}
    if is_named(function, names.TIME_ZONE):
        return {"enum": sorted(zoneinfo.available_timezones())}
    if is_named(function, names.IMPORT_STRING):
        raise reader.refused(
            ImportString.__name__, "it would import what a text names; take a str, or a Literal of the names"
        )
    if is_named(function, names.PATTERN_OF_ANY, names.PATTERN_OF_STR):
        return reader.guarded({"type": "string"}, schema, "regular expression")
    if is_named(function, names.PATTERN_OF_BYTES):
        raise reader.refused("Pattern[bytes]", "no JSON value is a pattern of bytes; take Pattern[str]")
    return None


def _after(reader: CoreSchemaReader, schema: Any) -> Json | None:
    function = called(schema)
    owner = _owner(function)
    if isinstance(owner, EncodedBytes | EncodedStr):
        return _encoded(reader, schema, owner)
    if owner is ByteSize:
        return _size(reader, schema["schema"]["choices"][0])
    if owner is EmailStr:
        return reader.guarded(
            {"allOf": [reader.generate_inner(schema["schema"]), string(spellings.EMAIL)]}, schema, "EmailStr"
        )
    if owner is NameEmail:
        return reader.guarded(string(spellings.NAME_EMAIL), schema, "NameEmail")
    if isinstance(function, partial) and is_named(function.func, *_LENGTHS):
        return _measured(reader, schema, function)
    return None


def _size(reader: CoreSchemaReader, text: Any) -> Json:
    inner = reader.generate_inner({key: value for key, value in text.items() if key != "pattern"})
    unit = {"type": "string", "x-engine-patterns": [spellings.byte_size(ByteSize.byte_sizes)]}
    return {"anyOf": [{"allOf": [inner, unit]}, {"type": "integer", "minimum": 0}]}


def _encoded(reader: CoreSchemaReader, schema: Any, owner: EncodedBytes | EncodedStr) -> Json | None:
    if isinstance(owner, EncodedBytes) and reader.core_config.get("val_json_bytes", "utf8") != "utf8":
        return reader.guarded(reader.generate_inner(schema["schema"]), schema, "bytes in bytes")  # decoded twice
    is_bytes = isinstance(owner, EncodedBytes)
    if owner.encoder is Base64Encoder:
        text = string(format="base64") if is_bytes else string(spellings.BASE64_TEXT)
    elif owner.encoder is Base64UrlEncoder:
        text = string(spellings.BASE64_URL if is_bytes else spellings.BASE64_URL_TEXT)
    else:
        return None
    made = {"allOf": [reader.generate_inner(schema["schema"]), text]}
    changed = not is_bytes and any(reader.core_config.get(f"str_{name}") for name in _CHANGES)
    return reader.guarded(made, schema, "UTF-8 in base64") if changed else made


_CHANGES = ("strip_whitespace", "to_lower", "to_upper")  # that the configuration makes to a text before it is measured
_LENGTHS = {names.MIN_LENGTH: ("min_length", "minItems"), names.MAX_LENGTH: ("max_length", "maxItems")}


def _measured(reader: CoreSchemaReader, schema: Any, function: partial[Any]) -> Json | None:
    """A length that Pydantic counts itself, of an array or of a secret text."""
    inner = schema["schema"]
    argument, keyword = _LENGTHS[function.func.__name__]
    made = reader.generate_inner(inner)
    if made.get("type") == "array" and not made.get("uniqueItems"):
        return {"allOf": [made], keyword: function.keywords[argument]}
    if inner["type"] == "lax-or-strict" and called(inner["strict_schema"].get("json_schema", schema)) is SecretStr:
        made = {"allOf": [made], keyword.replace("Items", "Length"): function.keywords[argument]}
        changed = [name for name in _CHANGES if reader.core_config.get(f"str_{name}")]
        return reader.guarded(made, schema, ", ".join(changed)) if changed else made
    return None


def _url(reader: CoreSchemaReader, schema: Any) -> Json | None:
    inner = schema["schema"]
    if inner["type"] not in ("url", "multi-host-url") or not is_named(called(schema), _URL_OF[inner["type"]]):
        return None
    return reader.guarded(url_text(inner), schema, "URL")


_URL_OF = {"url": names.URL, "multi-host-url": names.MULTI_HOST_URL}


def url_text(schema: Any) -> Json:
    """The texts that a URL of these schemes may be."""
    flags = ["hosts"] if schema["type"] == "multi-host-url" else []
    if schema.get("default_host"):
        flags.append("slash")
    elif schema.get("host_required") or "default_port" in schema:  # a port can be given to a host only
        flags.append("host")
    named = NamedLanguage("url", tuple(schema.get("allowed_schemes", ())), flags=frozenset(flags))
    length = {"maxLength": schema["max_length"]} if "max_length" in schema else {}
    return string(named, **length)


def _uuid(reader: CoreSchemaReader, schema: Any) -> Json | None:
    return reader.uuid_schema(schema)


_READERS: dict[str, Callable[[CoreSchemaReader, Any], Json | None]] = {
    "lax-or-strict": _lax_or_strict,
    "json-or-python": _json_or_python,
    "function-plain": _plain,
    "function-after": _after,
    "function-wrap": _url,
    "uuid": _uuid,
}
