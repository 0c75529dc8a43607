"""Core reader: a Pydantic core schema → JSON Schema, with what plain JSON Schema would lose under keywords of ours.

A subclass of Pydantic's own generator, in validation mode. It writes the canonical spelling of each type; where that says
less than Pydantic checks (validators, bounds of dates, digits of decimals …) it adds a guard on the node, and what has no
spelling in JSON at all is refused with its path. `x-engine-patterns` holds Patterns, `x-engine-guards` NodeValidators,
`x-engine-aliases` further keys of properties, `x-engine-grounding` a grounding mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Flag
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreConfig, CoreSchema, PydanticOmit

from engine.errors import UnsupportedSchema
from engine.formats.named_languages import OPERATORS
from engine.schema import spellings
from engine.schema.bounds import ordered
from engine.schema.enum_values import enum_values, flag_values
from engine.schema.grounding_marks import MARK
from engine.schema.library_types import library_type, string, url_text
from engine.schema.metadata import by_hand, described, rewritten
from engine.schema.node_validator import NodeValidator
from engine.schema.schema import Json, Pattern
from engine.schema.uses_info import needs_sibling_fields

GUARDS_KEYWORD, PATTERNS_KEYWORD = "x-engine-guards", "x-engine-patterns"
DIGITS_KEYWORD, ALIASES_KEYWORD, GROUNDING = "x-engine-digits", "x-engine-aliases", "x-engine-grounding"
_FIELDS = frozenset({"model-field", "typed-dict-field", "dataclass-field"})
_EXACT = 2**53  # below, every whole number is a double


class CoreReader(GenerateJsonSchema):
    """One generator for one type; `context` is passed to validators."""

    context: Any = None

    def __init__(self, by_alias: bool = True, ref_template: str = "#/$defs/{model}", **options: Any) -> None:
        super().__init__(by_alias, ref_template, **options)
        self._core_definitions: list[CoreSchema] = []
        self._core_configs: list[CoreConfig | None] = []
        self._configs_of: dict[str, list[dict[str, Any]]] = {}  # under which each definition is read
        self._begun: set[str] = set()  # references to what is read, or is being read
        self._places: list[str] = []
        self._hoisted: list[list[str]] = []  # for each open object: validators that look at its other fields

    # -- the walk

    def generate_inner(self, schema: Any) -> Json:
        """Any node, with its grounding mark."""
        made = self._unmarked(schema)
        mark = (schema.get("metadata") or {}).get(MARK)
        if mark is None:
            return made
        return {"allOf": [made], GROUNDING: mark} if "$ref" in made else made | {GROUNDING: mark}

    def _unmarked(self, schema: Any) -> Json:
        """Metadata that rewrites the JSON Schema by hand is not trusted to say what the node accepts."""
        if "ref" in schema:
            schema = schema | {"ref": self._place_of(schema)}
            self._begun.add(schema["ref"])
        known = None if "ref" in schema or by_hand(schema) else library_type(self, schema)
        if known is not None:
            return known | described(schema)
        made = super().generate_inner(schema)
        self._note_surroundings(schema)
        if not rewritten(schema):
            return made
        if schema["type"] in _FIELDS:
            return self.guarded(made, schema["schema"], "custom JSON schema")
        target = self.resolve_ref_schema(made)
        judged = any(guard.judges(schema) for guard in target.get(GUARDS_KEYWORD, ()))
        if not judged and not self._is_hoisted(schema, "custom JSON schema"):
            target[GUARDS_KEYWORD] = [*target.get(GUARDS_KEYWORD, ()), self.guard(schema, "custom JSON schema")]
        return made

    def _place_of(self, definition: Any) -> str:
        """Its reference; what takes its configuration from where it stands has one for each."""
        # A dataclass in a model with `ser_json_bytes="hex"` and in one with base64 is one definition in the core schema,
        # and two languages: the second gets `REF-1`, and so on for each configuration that it is met under. Titles change
        # nothing.
        ref: str = definition["ref"]
        config = {} if definition["type"] == "enum" else definition.get("config") or self.core_config
        key = {name: value for name, value in config.items() if name != "title"}
        keys = self._configs_of.setdefault(ref, [])
        if key not in keys:
            keys.append(key)
        index = keys.index(key)
        return f"{ref}-{index}" if index else ref

    def definition_ref_schema(self, schema: Any) -> Json:
        """What it refers to, as it is read here."""
        definition = self.definition(schema["schema_ref"])
        place = self._place_of(definition)
        if place not in self._begun:
            return self.generate_inner(definition)
        self._note_surroundings(definition)
        return super().definition_ref_schema({"type": "definition-ref", "schema_ref": place})

    def _note_surroundings(self, schema: Any) -> None:
        """A definition is read once, but each object in which it stands is judged."""
        # A validator that reads the fields beside it (`info.data`) cannot be judged where its type is defined, for there it
        # has no neighbours; so the guard is noted on each object whose field refers to the type.
        if "ref" in schema:
            self._is_hoisted(schema, f"validators of {schema['ref'].rpartition(':')[0].rpartition('.')[2]}")

    def definition(self, ref: str) -> Any:
        """The node that is defined under a reference."""
        return next(one for one in self._core_definitions if one.get("ref") == ref)

    def sort(self, value: Json, parent_key: str | None = None) -> Json:
        """Order carries meaning: it is the order of preference and of members."""
        return value

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Json:
        """What has no JSON spelling is refused, not skipped."""
        raise self.refused(schema["type"], f"there is no JSON value for {error_info}")

    def refused(self, keyword: str, reason: str) -> UnsupportedSchema:
        """The error for the place that is being read."""
        return UnsupportedSchema("".join(f"/{place}" for place in self._places), keyword, reason)

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Messages inside name this place."""
        self._places.append(place)
        yield
        self._places.pop()

    @contextmanager
    def configured(self, config: CoreConfig | None) -> Iterator[None]:
        """Nodes inside are validated under this configuration."""
        self._core_configs.append(config)
        yield
        self._core_configs.pop()

    @contextmanager
    def open_object(self, hoisted: list[str]) -> Iterator[None]:
        """Validators inside that look at other fields are noted in `hoisted`."""
        self._hoisted.append(hoisted)
        yield
        self._hoisted.pop()

    @property
    def core_config(self) -> CoreConfig:
        """The configuration of the innermost model."""
        return (self._core_configs[-1] if self._core_configs else None) or {}

    def guard(self, schema: Any, name: str) -> NodeValidator:
        """The node's own validator."""
        return NodeValidator(name, schema, self._core_definitions, self.core_config or None, self.context)

    def guarded(self, made: Json, schema: Any, name: str) -> Json:
        """`made`, with the node's own validator on it, or, where that looks at other fields, on the object around it."""
        if self._is_hoisted(schema, name):
            return made
        guards = [*made.get(GUARDS_KEYWORD, ()), self.guard(schema, name)]
        return {"allOf": [made], GUARDS_KEYWORD: guards} if "$ref" in made else made | {GUARDS_KEYWORD: guards}

    def _is_hoisted(self, schema: Any, name: str) -> bool:
        """Whether it is left to the object around it: `info.data` exists only while that is validated."""
        around = bool(self._hoisted) and needs_sibling_fields(schema, self.definition)
        if around:
            self._hoisted[-1].append(name)
        return around

    def definitions_schema(self, schema: Any) -> Json:
        """The definitions are kept for the validators of nodes, and read in turn, so that chains of them may be long."""
        self._core_definitions += schema["definitions"]
        apart = [one for one in schema["definitions"] if not needs_sibling_fields(one, self.definition)]
        self._begun |= {self._place_of(one) for one in apart}  # the others are read in the objects that judge them
        for definition in apart:
            self.generate_inner(definition)
        return self.generate_inner(schema["schema"])

    # -- scalars

    def int_schema(self, schema: Any) -> Json:
        """In strict mode `1.0` is not an integer."""
        made = super().int_schema(schema)
        strict = schema.get("strict", self.core_config.get("strict", False))
        return made | {DIGITS_KEYWORD: True} if strict else made

    def is_subclass_schema(self, schema: Any) -> Json:
        """No JSON value is a class."""
        return self.handle_invalid_for_json_schema(schema, "classes")

    def arguments_schema(self, schema: Any) -> Json:
        """Arguments of a call have several spellings; none is chosen here."""
        return self.handle_invalid_for_json_schema(schema, "arguments of a call")

    def arguments_v3_schema(self, schema: Any) -> Json:
        """As above."""
        return self.handle_invalid_for_json_schema(schema, "arguments of a call")

    def float_schema(self, schema: Any) -> Json:
        """Divisibility is judged with a tolerance; a whole number over 2**53 may be rounded onto an exclusive bound."""
        made = super().float_schema(schema)
        large = any(abs(schema.get(bound) or 0) >= _EXACT for bound in ("gt", "lt"))
        return self.guarded(made, schema, "float bounds") if large or "multiple_of" in schema else made

    def decimal_schema(self, schema: Any) -> Json:
        """A string: a JSON number loses digits."""
        made = string(spellings.decimal(schema.get("max_digits"), schema.get("decimal_places")))
        return self._bounded("decimal", schema, made, ["multiple_of"] if "multiple_of" in schema else [])

    def _bounded(self, kind: str, schema: Any, made: Json, others: list[str]) -> Json:
        """`made` within the bounds; those that are no texts of the kind, and the `others`, are a guard."""
        patterns, left = ordered(kind, schema)
        names = [*left, *others]
        made = made | {PATTERNS_KEYWORD: [*made[PATTERNS_KEYWORD], *patterns]}
        return self.guarded(made, schema, ", ".join(names)) if names else made

    def str_schema(self, schema: Any) -> Json:
        """Patterns in their own dialect; lengths of the configuration where the type has none."""
        config = self.core_config
        plain = {key: value for key, value in schema.items() if key != "pattern"}
        lengths = {name: config.get(f"str_{name}") for name in ("min_length", "max_length")}
        made = super().str_schema({name: value for name, value in lengths.items() if value is not None} | plain)  # type: ignore[arg-type]
        pattern = schema.get("pattern")
        if pattern is not None:
            made[PATTERNS_KEYWORD] = [self._pattern(schema, pattern)]
        changed = self.changes(schema)
        if schema.get("ascii_only"):
            made.setdefault(PATTERNS_KEYWORD, []).append(Pattern("^[\\x00-\\x7f]*$", "ecma"))
        constrained = (
            "minLength" in made or pattern is not None or ("maxLength" in made and changed[0:1] != ["strip_whitespace"])
        )
        return self.guarded(made, schema, ", ".join(changed)) if changed and constrained else made

    def changes(self, schema: Any) -> list[str]:
        """What is done to a text before it is measured."""
        names = ("strip_whitespace", "to_lower", "to_upper")
        return [name for name in names if schema.get(name, self.core_config.get(f"str_{name}", False))]

    def _pattern(self, schema: Any, pattern: Any) -> Pattern:
        engine = schema.get("regex_engine", self.core_config.get("regex_engine", "rust-regex"))
        if isinstance(pattern, re.Pattern):
            flags = "".join(flag for flag, bit in _FLAGS.items() if pattern.flags & bit)
            return Pattern(f"(?{flags}){pattern.pattern}" if flags else pattern.pattern, "python")
        return Pattern(pattern, "python" if engine == "python-re" else "rust")

    def bytes_schema(self, schema: Any) -> Json:
        """Text whose UTF-8 is the value, or base64 or hexadecimal where the configuration says so."""
        spelling = self.core_config.get("val_json_bytes", "utf8")
        if spelling == "base64":
            made = string(format="base64url")
        elif spelling == "hex":
            made = string(spellings.HEXADECIMAL)
        else:
            made = {"type": "string"} | ({"maxLength": schema["max_length"]} if "max_length" in schema else {})
        if spelling != "utf8" or {"min_length", "max_length"} & schema.keys():
            return self.guarded(made, schema, "bytes")
        return made

    def date_schema(self, schema: Any) -> Json:
        """ISO 8601, years 1 to 9999."""
        return self._bounded("date", schema, string(spellings.DATE), _unsaid(schema))

    def time_schema(self, schema: Any) -> Json:
        """ISO 8601, with an offset where the type demands one."""
        return self._bounded("time", schema, string(spellings.time(_zone(schema))), _unsaid(schema))

    def datetime_schema(self, schema: Any) -> Json:
        """ISO 8601, with an offset where the type demands one."""
        return self._bounded("date-time", schema, string(spellings.date_time(_zone(schema))), _unsaid(schema))

    def timedelta_schema(self, schema: Any) -> Json:
        """ISO 8601, from days to seconds."""
        return self._bounded("duration", schema, string(spellings.DURATION), [])

    def uuid_schema(self, schema: Any) -> Json:
        """The hyphenated form."""
        return string(spellings.uuid(schema.get("version")))

    def url_schema(self, schema: Any) -> Json:
        """A URI with an allowed scheme that Pydantic's parser takes."""
        return self.guarded(url_text(schema), schema, "URL")

    def multi_host_url_schema(self, schema: Any) -> Json:
        """As a URL, with one host or several."""
        return self.url_schema(schema)

    def complex_schema(self, schema: Any) -> Json:
        """Python's spelling."""
        return string(spellings.COMPLEX)

    def fraction_schema(self, schema: Any) -> Json:
        """Python's spelling."""
        made = string(spellings.FRACTION)
        bounds = [name for name in (*OPERATORS, "multiple_of") if name in schema]
        return self.guarded(made, schema, ", ".join(bounds)) if bounds else made

    def json_schema(self, schema: Any) -> Json:
        """JSON inside a string: the guard judges what the grammar cannot say of it."""
        made = {"type": "string", "contentMediaType": "application/json"}
        if "schema" in schema:
            made["contentSchema"] = self.generate_inner(schema["schema"])
        return self.guarded(made, schema, "JSON in a string")

    # -- literals

    def literal_schema(self, schema: Any) -> Json:
        """The values that Pydantic recognises in JSON."""
        return self._spelled(schema, schema["expected"])

    def enum_schema(self, schema: Any) -> Json:
        """The values of the members as Pydantic recognises them in JSON, and of those that flags make together."""
        if not issubclass(schema["cls"], Flag):
            made = self._spelled(schema, schema["members"])
        else:
            runs, guarded = flag_values(schema["members"], self.guard(schema, "flags"))
            made = self.guarded({"anyOf": runs}, schema, "flags") if guarded else {"anyOf": runs}
        return made | {"title": schema["cls"].__name__}

    def _spelled(self, schema: Any, members: list[Any]) -> Json:
        found = enum_values(members, self.guard(schema, "literal"))
        if not found:
            raise self.refused(schema["type"], "none of the values can be written in JSON")
        return {"enum": found}

    # -- wrappers

    def default_schema(self, schema: Any) -> Json:
        """The default is not described: it is for what is left out."""
        return self.generate_inner(schema["schema"])

    def function_before_schema(self, schema: Any) -> Json:
        """The input type where it is declared, else the inner type."""
        return self._validated(schema, self.generate_inner(schema.get("json_schema_input_schema") or schema["schema"]))

    def function_wrap_schema(self, schema: Any) -> Json:
        """As a before validator."""
        return self.function_before_schema(schema)

    def function_after_schema(self, schema: Any) -> Json:
        """The inner type."""
        return self._validated(schema, self.generate_inner(schema["schema"]))

    def function_plain_schema(self, schema: Any) -> Json:
        """The input type, which must be declared."""
        declared = schema.get("json_schema_input_schema")
        if declared is None or declared["type"] == "any":  # Any is what stands there when nothing was declared
            name = _name_of(schema)
            raise self.refused(
                schema["type"], f"validator {name!r} does not say what it takes: give json_schema_input_type"
            )
        return self._validated(schema, self.generate_inner(declared))

    def _validated(self, schema: Any, made: Json) -> Json:
        return self.guarded(made, schema, _name_of(schema))

    def chain_schema(self, schema: Any) -> Json:
        """The first step; the others look at its result."""
        return self.guarded(self.generate_inner(schema["steps"][0]), schema, "chain")

    def lax_or_strict_schema(self, schema: Any) -> Json:
        """What the strict side takes is canonical; the lax side takes more spellings of the same values."""
        try:
            return self.generate_inner(schema["strict_schema"])
        except UnsupportedSchema:
            return self.generate_inner(schema["lax_schema"])

    def union_schema(self, schema: Any) -> Json:
        """Every member, in order."""
        members = [one[0] if isinstance(one, tuple) else one for one in schema["choices"]]
        made = []
        for member in members:
            try:
                made.append(self.generate_inner(member))
            except PydanticOmit:
                continue
        return {"anyOf": made}

    def nullable_schema(self, schema: Any) -> Json:
        """The inner type, or null."""
        return {"anyOf": [self.generate_inner(schema["schema"]), {"type": "null"}]}


_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "a": re.ASCII}


def _unsaid(schema: Any) -> list[str]:
    """What depends on the clock (it is read when the value closes), and offsets of one length."""
    clock = [f"{schema['now_op']} (by the clock)"] if "now_op" in schema else []
    return [*clock, *(["tz_constraint"] if isinstance(schema.get("tz_constraint"), int) else [])]


def _zone(schema: Any) -> str | None:
    zone = schema.get("tz_constraint")
    return zone if isinstance(zone, str) else "aware" if isinstance(zone, int) else None


def _name_of(schema: Any) -> str:
    function = schema["function"]["function"]
    return str(getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or repr(function))
