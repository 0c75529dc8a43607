"""Array shape: what a conjunction demands of arrays → one Array."""

from __future__ import annotations

from engine.schema.assertions import assertions_of
from engine.schema.conjunction import Conjunction
from engine.schema.dialect import exists
from engine.schema.disjunction import Residual
from engine.schema.location import Location
from engine.schema.schema import Array
from engine.schema.unevaluated import unevaluated
from engine.schema.vertices import Vertices


def array(vertices: Vertices, conjunction: Conjunction) -> tuple[Array | None, list[Residual]]:
    """The shape (None: no array is valid) and what it cannot say."""
    said = [(place, items) for place in conjunction.chains if (items := assertions_of(place).items) is not None]
    rules: list[tuple[tuple[Location, ...], Location | None]] = [(items.prefix, items.rest) for _, items in said]
    residuals: list[Residual] = []
    for place, items in said:
        if items.unevaluated is None:
            continue
        scope = unevaluated(place, "unevaluatedItems")
        if scope is None:
            residuals.append(Residual(place, ("unevaluatedItems",), place.value))
            continue
        inside = [found for inner in scope if (found := assertions_of(inner).items) is not None and found is not items]
        if items.rest is None and not any(other.rest or other.unevaluated for other in inside):
            covered = max(len(other.prefix) for other in (*inside, items))
            rules.append(((True,) * covered, items.unevaluated))  # type: ignore[arg-type]
    most = [items.maximum for _, items in said if items.maximum is not None]
    length = max((len(prefix) for prefix, _ in rules), default=0)
    if most:
        length = min(length, *most)

    def at(position: int) -> list[Location]:
        found = [prefix[position] if position < len(prefix) else rest for prefix, rest in rules]
        return [location for location in found if isinstance(location, Location)]

    if any(_impossible(place) for place in conjunction.chains):
        return None, []
    shape = Array(
        prefix=tuple(vertices.vertex(at(position)) for position in range(length)),
        rest=vertices.vertex(at(max((len(prefix) for prefix, _ in rules), default=0))),
        min_items=max([0, *(items.minimum for _, items in said), *(_contained(place) for place in conjunction.chains)]),
        max_items=min(most) if most else None,
    )
    return shape, residuals


def _contained(place: Location) -> int:
    """How many items `contains` demands."""
    if not any(keyword == "contains" for keyword, _ in assertions_of(place).residual):
        return 0
    return int(place.value.get("minContains", 1)) if exists("minContains", place.dialect) else 1


def _impossible(place: Location) -> bool:
    return _contained(place) > 0 and place.value["contains"] is False
