"""The way to close an output is the same whatever a process did before: two processes, two histories, equal tokens."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from vocabularies import FULL
from zoo.zoo_models import ZOO

from engine.automaton.automaton import DEAD, Automaton, Conditional
from engine.extraction.compilation import compile_schema
from engine.masks.mask import Masks, Walks

SCHEMAS = [
    {"type": "string", "allOf": [{"pattern": word} for word in ("one", "two", "three")], "maxLength": 40},
    {"type": "string", "pattern": "^[a-z]+[0-9]*$", "not": {"enum": ["a", "b", "c1"]}, "minLength": 2},
    {"anyOf": [{"type": "array", "items": {"type": kind}, "minItems": 2} for kind in ("string", "integer", "boolean")]},
    {"anyOf": [{"properties": {"a": {"type": kind}}, "required": ["a"]} for kind in ("string", "null", "integer")]},
    {"type": "object", "minProperties": 2, "propertyNames": {"pattern": "a|b|c"}},
    *({"type": "string", "pattern": pattern} for pattern in ("^(ab|cd|ef)$", "^(ef|cd)$", "^(cd|ab)$", "^(ef|ab)$")),
    {"allOf": [{"type": "string"}, {"pattern": "ab|cd"}, {"pattern": "cd|ef"}, {"pattern": "e|x"}], "minLength": 3},
]
TEXTS = ['"so', '"on', '[1, "', "[", '{"a": ', '{"a"', '{"', "{", '"', "1", '"cd', '"xe']


def closings(order: int) -> dict[str, list[list[int] | None]]:
    """For each type, how each beginning of its texts is closed; types and texts are visited in an order of its own."""
    walks = Walks(FULL)
    cases = [(json.dumps(schema), schema, TEXTS) for schema in SCHEMAS]
    cases += [(animal.name, animal.model, [*animal.good, *animal.lax]) for animal in ZOO[::3]]
    found: dict[str, list[list[int] | None]] = {}
    draw = random.Random(order)
    draw.shuffle(cases)
    for name, model, texts in cases:
        masks = Masks(Automaton(compile_schema(model, style="any")), walks)
        prefixes = sorted({text[:end] for text in texts for end in range(min(len(text), 40))})
        draw.shuffle(prefixes)
        found[name] = [one for _, one in sorted((prefix, closing(masks, prefix)) for prefix in prefixes)]
    return found


def closing(masks: Masks, prefix: str) -> list[int] | None:
    state = masks.automaton.start
    for byte in prefix.encode():
        step = masks.automaton.step(state, byte)
        state = step.optimistic if isinstance(step, Conditional) else step
    tokens = None if state == DEAD else masks.closing(state)
    return None if tokens is None else list(tokens)


def test_how_an_output_is_closed_does_not_depend_on_what_came_before() -> None:
    here = Path(__file__)
    seen = []
    for order in (1, 2):
        environment = os.environ | {"PYTHONHASHSEED": str(order)}
        command = [sys.executable, str(here), str(order)]
        paths = os.pathsep.join([str(here.parent.parent), *sys.path])
        done = subprocess.run(command, env=environment | {"PYTHONPATH": paths}, capture_output=True, check=True)
        seen.append(json.loads(done.stdout))
    assert any(one for found in seen[0].values() for one in found if one)
    assert seen[0] == seen[1]


if __name__ == "__main__":
    print(json.dumps(closings(int(sys.argv[1]))))
