"""A process that compiles one schema after the other does not keep them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCHEMAS, AFTER = 2000, 200
MOST = 160  # MiB more than after the first schemas

COMPILE = """
import sys
from engine.automaton.automaton import Automaton
from engine.extraction.compilation import compile_schema

def schema(n):
    properties = {
        f"code{n}": {"type": "string", "pattern": f"^[A-Z]{{2}}-{n}[0-9]{{1,{n % 7 + 1}}}$"},
        f"kind{n}": {"enum": [f"a{n}", f"b{n}", n]},
        "amount": {"type": "number", "minimum": n, "maximum": 3 * n + 1},
        "count": {"type": "integer", "minimum": n, "multipleOf": n % 13 + 1},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": n % 50 + 1}, "uniqueItems": True},
    }
    return {"type": "object", "properties": properties, "required": [f"code{n}"], "additionalProperties": False}

def resident():
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[1]) * 4096 // 2**20

after, schemas = map(int, sys.argv[1:])
for number in range(1, schemas + 1):
    automaton = Automaton(compile_schema(schema(number)))
    state = automaton.start
    for byte in b'{"code%d": "AB-%d1' % (number, number):
        state = automaton.step(state, byte)
    assert automaton.live_bytes(state)
    if number == after:
        before = resident()
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_two_thousand_different_schemas_stay_within_a_fixed_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(AFTER), str(SCHEMAS)],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST
