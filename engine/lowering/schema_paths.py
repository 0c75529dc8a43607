"""Schema paths: where each alternative of a Schema graph stands in the schema document, as JSON pointers.

An alternative mostly knows its own pointer. Those that no document wrote (whatever a key may hold that nobody describes)
are named by the way that leads to them; the one vertex of all free values is named by each such way.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.basics.json_pointer import escaped_token
from engine.lowering.enforcement import admits_anything
from engine.schema import schema as s

Edge = tuple[str, s.SchemaId]  # the tokens of a pointer, and where they lead


def edges(shape: s.Shape) -> Iterator[Edge]:
    """The children of a shape, under the keywords that name them."""
    if isinstance(shape, s.Array):
        yield from ((f"/prefixItems/{index}", item) for index, item in enumerate(shape.prefix))
        if shape.rest is not None:
            yield "/items", shape.rest
    elif isinstance(shape, s.Object):
        yield from ((f"/properties/{escaped_token(one.name)}", one.schema) for one in shape.properties)
        for keys in shape.others:
            if keys.matching:
                yield f"/patternProperties/{escaped_token(keys.matching[0].source)}", keys.schema
            else:
                yield "/additionalProperties", keys.schema


class SchemaPaths:
    """The vertices that the root reaches, in the order of the document, and the path of each alternative."""

    def __init__(self, schema: s.Schema) -> None:
        self.schema = schema
        self.order: list[s.SchemaId] = []
        self.free: dict[s.SchemaId, dict[str, None]] = {}  # free vertices and all the ways to them
        self._ways: dict[s.SchemaId, str] = {schema.root: ""}
        pending = [schema.root]
        seen = {schema.root}
        while pending:
            vertex = pending.pop()
            self.order.append(vertex)
            if admits_anything(schema, vertex):
                self.free.setdefault(vertex, {self._ways[vertex]: None})
                continue
            children = list(self._children(vertex))
            for way, child in children:
                self._ways.setdefault(child, way)
                if admits_anything(schema, child) and not way.endswith("/additionalProperties"):
                    self.free.setdefault(child, {})[way] = None
            new = dict.fromkeys(child for _, child in children if child not in seen)
            seen.update(new)
            pending += reversed(new)

    def path(self, vertex: s.SchemaId, index: int) -> str:
        """The pointer of one alternative."""
        own = self.schema.vertices[vertex].alternatives[index].path
        return own or self._ways[vertex]

    def alternatives(self) -> Iterator[tuple[s.SchemaId, int, s.Alternative]]:
        """All alternatives of vertices that are not free."""
        for vertex in self.order:
            if vertex not in self.free:
                for index, alternative in enumerate(self.schema.vertices[vertex].alternatives):
                    yield vertex, index, alternative

    def _children(self, vertex: s.SchemaId) -> Iterator[Edge]:
        for index, alternative in enumerate(self.schema.vertices[vertex].alternatives):
            here = self.path(vertex, index)
            yield from ((here + way, child) for way, child in edges(alternative.shape))
