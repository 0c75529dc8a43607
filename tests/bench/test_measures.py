"""Growth, startup and our own seat: that they measure what they say, over tiny runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from vocabularies import FULL

from engine.bench import growth, startup
from engine.bench.peers.ours import Ours
from engine.bench.peers.work import Work
from engine.cli.bench_peers import list_schema
from engine.errors import BackendFailed
from engine.masks.mask import Walks

_BYTES = {FULL.pieces[token]: token for token in range(len(FULL.pieces)) if len(FULL.pieces[token]) == 1}
_PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}


def tokenize(text: bytes) -> tuple[int, ...]:
    return tuple(_BYTES[text[place : place + 1]] for place in range(len(text)))


def test_growth_walks_all_items_documents_and_schemas() -> None:
    walks = Walks(FULL)
    small = [
        growth.items(walks, tokenize, 20),
        growth.long_string(walks, tokenize, 300),
        growth.guarded_items(walks, tokenize, 300),
        *growth.documents_growth(walks, tokenize, 20),
        growth.schema(1),
    ]
    assert all(row.last > 0 for row in small if "MiB" not in row.unit)
    assert small[0].name == "20 array items"
    assert small[-1].name == "schema of 1 and 10 objects"
    assert growth.Growth("", "", 2.0, 3.0).factor == 1.5


def test_a_step_of_startup_that_fails_says_what_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "_STEPS", (("broken", "raise SystemExit('no model here')"),))
    with pytest.raises(BackendFailed, match="no model here"):
        startup.startup(None, rounds=1)


def test_startup_gives_each_step_a_time(bpe_path: Path) -> None:
    steps = startup.startup(str(bpe_path), rounds=1)
    assert [name for name, _ in steps][-1] == "first object"
    assert all(seconds > 0 for _, seconds in steps)


def test_our_seat_stops_where_so_many_tokens_are_written_and_decodes_several(bpe_path: Path) -> None:
    ours = Ours(Work(str(bpe_path), 1, list_schema(_PERSON) | {"minItems": 5, "maxItems": 9}, 2048))
    prompt = ours.render("John is 20")
    assert "John is 20" in prompt.rendered
    short, long = ours.run(prompt, 5), ours.run(prompt, 40)
    assert long.startswith(short)
    assert len(short) < len(long)
    assert ours.run_many([prompt, prompt], 400) == (ours.run_many([prompt], 400) * 2)


def test_peers_get_the_closed_schema_of_a_list() -> None:
    schema = list_schema({"$defs": {"P": _PERSON}, "$ref": "#/$defs/P"})
    assert schema["items"] == {"$ref": "#/$defs/P"}
    assert schema["$defs"]["P"]["additionalProperties"] is False
    opened = list_schema(_PERSON | {"additionalProperties": True})
    assert opened["items"]["additionalProperties"] is True
