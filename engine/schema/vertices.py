"""Vertices: what the shapes ask for the ids of the schemas inside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine.schema.location import Location
from engine.schema.schema import SchemaId


class Vertices(Protocol):
    """Hands out the ids of vertices."""

    def vertex(self, locations: Iterable[Location]) -> SchemaId:
        """The id of the conjunction of these places."""
