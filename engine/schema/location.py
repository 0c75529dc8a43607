"""Locations: places in a schema document, with everything that is needed to follow a reference from there.

In: a document (one JSON value). Out: `Location`s, interned, so that the same place is the same object however it was
reached. `$id`, `$anchor`, `$dynamicAnchor` and the metaschemas are resolved here; nothing is fetched, so a reference to
any other document is refused. The dynamic scope of `$dynamicRef` is part of a location (JSON Schema 2020-12 core, 8.2.3).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from urllib.parse import unquote, urldefrag, urljoin

from engine.basics.json_pointer import escaped_token, pointer_tokens
from engine.errors import SchemaError, UnsupportedSchema
from engine.schema.dialect import Dialect, dialect_named
from engine.schema.schema import Check, Json

_SCHEMA_VALUED = frozenset(
    [
        "additionalProperties",
        "items",
        "additionalItems",
        "contains",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "unevaluatedProperties",
        "unevaluatedItems",
        "contentSchema",
    ]
)
_LISTS = frozenset(["allOf", "anyOf", "oneOf", "prefixItems", "items"])
_MAPS = frozenset(["properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"])
_METASCHEMA_HOSTS = ("http://json-schema.org/", "https://json-schema.org/")


class Resource:
    """A schema with a URI of its own: a document's root, or what carries an `$id`."""

    __slots__ = ("anchors", "dialect", "dynamic", "path", "uri", "value")

    def __init__(self, value: Json, uri: str, dialect: Dialect, path: str) -> None:
        self.value, self.uri, self.dialect, self.path = value, uri, dialect, path
        self.anchors: dict[str, tuple[str, ...]] = {}  # name → tokens of a pointer from the resource's root
        self.dynamic: dict[str, tuple[str, ...]] = {}


DynamicScope = tuple[Resource, ...]  # resources with dynamic anchors, in the order in which evaluation entered them


class Location:
    """A place. `value` is what stands there; `is_schema` says that its identifiers and children mean something."""

    __slots__ = (
        "_children",
        "_derived",
        "_path",
        "applicators",
        "assertions",
        "document",
        "is_schema",
        "parent",
        "resource",
        "scope",
        "token",
        "value",
    )

    def __init__(
        self, document: SchemaDocument, value: Json, parent: Location | None, token: str, resource: Resource
    ) -> None:
        self.document, self.value, self.parent, self.token, self.resource = document, value, parent, token, resource
        self.scope: DynamicScope = parent.scope if parent is not None else ()
        self.is_schema: bool | None = True  # None: a list or map of schemas
        self._children: dict[str, Location] = {}
        self._derived: dict[str, Location] = {}
        self._path: str | None = None
        self.assertions: Json = None  # filled by engine.schema.assertions
        self.applicators: Json = None  # filled by engine.schema.conjunction

    @property
    def path(self) -> str:
        """The JSON pointer from the document's root."""
        if self._path is None:
            if self.parent is None:
                self._path = self.resource.path
            elif self.is_derived:
                self._path = self.parent.path
            else:
                self._path = f"{self.parent.path}/{escaped_token(self.token)}"
        return self._path

    @property
    def dialect(self) -> Dialect:
        return self.resource.dialect

    @property
    def is_derived(self) -> bool:
        """Made here, not written in the document."""
        return self.parent is not None and self.token == "" and self.parent._children.get("") is not self

    def child(self, *tokens: str) -> Location:
        """The place that these tokens of a pointer lead to; KeyError if there is none."""
        here = self
        for token in tokens:
            found = here._children.get(token)
            if found is None:
                found = here._children[token] = here._make(token)
            here = found
        return here

    def _make(self, token: str) -> Location:
        if isinstance(self.value, list):
            if not (token.isascii() and token.isdigit() and int(token) < len(self.value)):
                raise KeyError(token)
            value = self.value[int(token)]
        elif isinstance(self.value, dict):
            value = self.value[token]
        else:
            raise KeyError(token)
        is_schema = _child_is_schema(self, token, value)
        if is_schema and isinstance(value, dict) and self.document.names_itself(value, self.dialect):
            resource = self.document.embedded(value, self.resource, f"{self.path}/{token}")
            return self.document.root_of(resource, self.scope)
        made = Location(self.document, value, self, token, self.resource)
        made.is_schema = is_schema
        return made

    def derived(self, key: str, value: Json) -> Location:
        """A schema that follows from this one; it resolves references from here and is made once per `key`."""
        found = self._derived.get(key)
        if found is None:
            found = self._derived[key] = Location(self.document, value, self, "", self.resource)
        return found

    def graft(self, tokens: tuple[str, ...], scion: Location) -> None:
        """Make `scion` the child at these tokens of a derived schema, so that it keeps its own place."""
        self.child(*tokens[:-1])._children[tokens[-1]] = scion


def _child_is_schema(parent: Location, token: str, value: Json) -> bool | None:
    if parent.is_schema is None:
        return True
    if not parent.is_schema or not isinstance(parent.value, dict):
        return False
    if (token in _LISTS and isinstance(value, list)) or (token in _MAPS and isinstance(value, dict)):
        return None
    return token in _SCHEMA_VALUED


class SchemaDocument:
    """One schema document and the resources in it; metaschemas join when they are referred to."""

    def __init__(
        self, value: Json, *, dynamic: bool | None = None, allow_unenforced: Collection[str] = (), trusted: bool = False
    ) -> None:
        if dynamic is None:
            text = json.dumps(value)
            dynamic = '"$dynamicRef"' in text or '"$recursiveRef"' in text or '"$ref": "http' in text
        self.value = value
        self.dynamic = dynamic
        self.annotations: dict[tuple[str, str], None] = {}  # path and keyword of what asserts nothing
        self.checked_subschemas: set[Location] = set()  # by engine.schema.check_subschemas
        self.checks: dict[Json, Check] = {}  # made of residuals, by engine.schema.shapes
        self.unenforced: list[tuple[str, str]] = []  # what went unenforced, being allowed to
        self.trusted = trusted  # whether our own keywords may stand in it
        self._allowed = frozenset(allow_unenforced)
        self.pattern_dialect = "ecma"
        self.registry: Json = None  # filled by engine.schema.validation
        self._resources: dict[str, Resource] = {}
        self._embedded: dict[int, Resource] = {}
        self._roots: dict[tuple[Resource, DynamicScope], Location] = {}
        self._scanned: set[Resource] = set()
        dialect = Dialect.LENIENT
        uri = ""
        if isinstance(value, dict):
            if "$schema" in value:
                dialect = self._dialect(value["$schema"], "")
            identifier = value.get(dialect.identifier)
            if isinstance(identifier, str):
                uri = urldefrag(identifier)[0]
        self.resource = Resource(value, uri, dialect, "")
        self._resources[uri] = self.resource
        if isinstance(value, dict):
            self._embedded[id(value)] = self.resource
        self.root = self.root_of(self.resource, ())

    def permits(self, path: str, keyword: str) -> bool:
        """Whether the caller allowed this keyword, or this place of it, to go unenforced."""
        permitted = keyword in self._allowed or f"{path}/{keyword}" in self._allowed
        if permitted:
            self.unenforced.append((path, keyword))
        return permitted

    def _dialect(self, uri: Json, path: str) -> Dialect:
        try:
            return dialect_named(uri, path)
        except UnsupportedSchema:
            if self.permits(path, "$schema"):
                return Dialect.LENIENT
            raise

    def names_itself(self, value: Json, dialect: Dialect) -> bool:
        """Whether this schema starts a resource of its own."""
        identifier = value.get(dialect.identifier)
        if not isinstance(identifier, str) or identifier.startswith("#"):
            return False
        return not (dialect.reference_stands_alone and "$ref" in value)

    def embedded(self, value: Json, outer: Resource, path: str) -> Resource:
        """The resource that `value` starts."""
        found = self._embedded.get(id(value))
        if found is None:
            dialect = self._dialect(value["$schema"], path) if "$schema" in value else outer.dialect
            uri = urldefrag(urljoin(outer.uri, value.get(dialect.identifier, "")))[0]
            found = self._embedded[id(value)] = Resource(value, uri, dialect, path)
            self._resources.setdefault(uri, found)
        return found

    def root_of(self, resource: Resource, scope: DynamicScope) -> Location:
        """The root of a resource as seen when evaluation enters it from `scope`."""
        if self.dynamic:
            self._scan(resource)
            known = {anchor for entered in scope for anchor in entered.dynamic}
            if not known >= resource.dynamic.keys():  # otherwise every anchor is found further out
                scope = (*scope, resource)
        found = self._roots.get((resource, scope))
        if found is None:
            found = Location(self, resource.value, None, "", resource)
            found.scope = scope
            self._roots[resource, scope] = found
        return found

    def resolve(self, origin: Location, reference: str, keyword: str) -> Location:
        """Where a reference leads; raises SchemaError when it leads nowhere, UnsupportedSchema when elsewhere."""
        uri, fragment = urldefrag(reference)
        resource = origin.resource if uri == "" else self._find(urljoin(origin.resource.uri, uri))
        if resource is None and self.permits(origin.path, keyword):
            return origin.derived("unenforced", True)
        if resource is None:
            raise UnsupportedSchema(origin.path, keyword, f"{reference!r} is in another document, which is not fetched")
        try:
            target = self._in(resource, origin.scope, unquote(fragment))
        except KeyError:
            raise SchemaError(origin.path, keyword, f"{reference!r} points to nothing") from None
        if keyword in ("$dynamicRef", "$recursiveRef"):
            target = self._redirected(origin.scope, target, fragment if keyword == "$dynamicRef" else "")
        if target.is_schema is not True:
            target.is_schema = True  # a schema under an unknown keyword becomes one by being referred to
            target._children.clear()
        return target

    def _redirected(self, scope: DynamicScope, target: Location, anchor: str) -> Location:
        """The outermost dynamic anchor of the same name, if the target is one itself."""
        self._scan(target.resource)
        tokens = target.resource.dynamic.get(anchor)
        if tokens is None or self.root_of(target.resource, target.scope).child(*tokens).value is not target.value:
            return target
        for resource in scope:
            if anchor in resource.dynamic:
                return self.root_of(resource, scope).child(*resource.dynamic[anchor])
        return target

    def _in(self, resource: Resource, scope: DynamicScope, fragment: str) -> Location:
        root = self.root_of(resource, scope)
        if fragment == "":
            return root
        if fragment.startswith("/"):
            found = root.child(*pointer_tokens(fragment))
            if found.resource is resource or not self.dynamic:
                return found
            tokens = []  # the pointer led into another resource, and evaluation enters only that one
            while found.parent is not None:
                tokens.append(found.token)
                found = found.parent
            return self.root_of(found.resource, scope).child(*reversed(tokens))
        self._scan(resource)
        return root.child(*resource.anchors[fragment])

    def _find(self, uri: str) -> Resource | None:
        found = self._resources.get(uri)
        if found is None:
            self._scan(self.resource)
            found = self._resources.get(uri)
        if found is None and uri.startswith(_METASCHEMA_HOSTS):
            found = self._metaschema(uri)
        return found

    def _metaschema(self, uri: str) -> Resource | None:
        from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]  # heavy, and few documents need it

        known = REGISTRY.get(uri) or REGISTRY.get(uri + "#")
        if known is None:
            return None
        value = known.contents
        dialect = dialect_named(value["$schema"], uri)
        found = self._resources[uri] = self._embedded[id(value)] = Resource(value, uri, dialect, f"{uri}#")
        return found

    def _scan(self, resource: Resource) -> None:
        """Find the anchors of a resource, and the resources in it."""
        if resource in self._scanned:
            return
        self._scanned.add(resource)
        todo: list[tuple[Json, tuple[str, ...]]] = [(resource.value, ())]
        while todo:
            value, tokens = todo.pop()
            if not isinstance(value, dict):
                continue
            if tokens and self.names_itself(value, resource.dialect):
                path = resource.path + "".join(f"/{token}" for token in tokens)
                self._scan(self.embedded(value, resource, path))
                continue
            _note_anchors(resource, value, tokens)
            todo.extend(subschemas(value, tokens))


def _note_anchors(resource: Resource, value: dict[str, Json], tokens: tuple[str, ...]) -> None:
    identifier = value.get(resource.dialect.identifier)
    if isinstance(identifier, str) and identifier.startswith("#") and identifier != "#":
        resource.anchors.setdefault(identifier[1:], tokens)
    anchor, dynamic = value.get("$anchor"), value.get("$dynamicAnchor")
    if isinstance(anchor, str):
        resource.anchors.setdefault(anchor, tokens)
    if isinstance(dynamic, str):
        resource.anchors.setdefault(dynamic, tokens)
        resource.dynamic.setdefault(dynamic, tokens)
    if value.get("$recursiveAnchor") is True and not tokens:
        resource.dynamic[""] = tokens


def subschemas(value: dict[str, Json], tokens: tuple[str, ...]) -> Iterator[tuple[Json, tuple[str, ...]]]:
    """The schemas directly inside a schema, each with the tokens that lead to it."""
    for keyword, operand in value.items():
        if keyword in _MAPS and isinstance(operand, dict):
            for name, sub in operand.items():
                if not isinstance(sub, list):  # `dependencies` may list names
                    yield sub, (*tokens, keyword, name)
        elif keyword in _LISTS and isinstance(operand, list):
            yield from ((sub, (*tokens, keyword, str(n))) for n, sub in enumerate(operand))
        elif keyword in _SCHEMA_VALUED:
            yield operand, (*tokens, keyword)
