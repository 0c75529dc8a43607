"""What `engine grammar` prints, in the hands of llama.cpp's own grammar code."""

from __future__ import annotations

import json

from llama_oracle import LlamaOracle
from typer.testing import CliRunner

from engine.cli import engine_app

RIGHT = [{"name": "John", "age": 20}, {"name": 'Jür"gen\n', "age": -3}, {"name": "", "age": 0}]
WRONG = [
    '{"name": "John"}',
    '{"name": "John", "age": "20"}',
    '{"name": "John", "age": 20.5}',
    '{"name": "John", "age": 20',
]


def test_exported_grammar_means_in_llama_cpp_what_the_schema_says() -> None:
    printed = CliRunner().invoke(engine_app, ["grammar", "name, age int"])
    assert printed.exit_code == 0
    texts = [json.dumps(value, ensure_ascii=False) for value in RIGHT]
    with LlamaOracle() as oracle:
        assert oracle.accepts(printed.stdout, texts + WRONG) == [True] * len(texts) + [False] * len(WRONG)


def test_exported_array_is_what_an_extraction_decodes() -> None:
    printed = CliRunner().invoke(engine_app, ["grammar", "name, age int", "--many", "--max-items", "2"])
    texts = [json.dumps(RIGHT[:count], ensure_ascii=False) for count in range(4)]
    with LlamaOracle() as oracle:
        assert oracle.accepts(printed.stdout, texts) == [True, True, True, False]
