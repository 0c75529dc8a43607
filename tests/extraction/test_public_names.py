"""What `from engine import …` offers."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine import Extractor, ModelSettings, errors
from engine.decoding.sampler import GREEDY
from engine.extraction.api import _SAMPLING, ItemOptions


def test_names_are_few_and_all_there() -> None:
    assert len(engine.__all__) <= 14
    assert sorted(engine.__all__) == list(engine.__all__)
    for name in engine.__all__:
        assert getattr(engine, name) is not None


def test_names_for_type_checkers_are_those_that_are_loaded() -> None:
    tree = ast.parse(Path(inspect.getfile(engine)).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported = {
        alias.name: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == engine._HOMES
    assert set(imported) == set(engine.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'extrakt'"):
        getattr(engine, "extrakt")  # noqa: B009


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, engine; print(*sorted({'numpy', 'llama_cpp', 'pydantic', 'jinja2', 'rich'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "\n"


def test_tree_of_errors_is_drawn_as_it_is() -> None:
    drawing = [line for line in (errors.__doc__ or "").splitlines() if "──" in line or line.strip() == "EngineError"]
    parents: dict[int, str] = {}
    drawn = {}
    for line in drawing:
        name = line.replace("│", " ").replace("├──", "   ").replace("└──", "   ").split()[0]
        depth = line.index(name)
        parents[depth] = name
        above = [parents[place] for place in sorted(parents) if place < depth]
        drawn[name] = above[-1] if above else "Exception"
    actual = {
        name: kind.__bases__[0].__name__
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.EngineError)
    }
    assert drawn == actual


def test_each_option_stands_in_the_help_with_its_default() -> None:
    described: dict[str, object] = {}
    for names, values in re.findall(
        r"^  (\w+(?:, \w+)*) = (\S+(?:, \S+)*)  ", inspect.getdoc(engine.extract) or "", re.M
    ):
        defaults = ast.literal_eval(f"({values},)")
        described |= dict(zip(names.split(", "), defaults, strict=True))
    assert set(described) == set(ItemOptions.__annotations__)
    actual = {
        **inspect.signature(ModelSettings).parameters,
        **inspect.signature(Extractor.__init__).parameters,
        **inspect.signature(Extractor.extract).parameters,
    }
    for name, default in described.items():
        expected = getattr(GREEDY, name) if name in _SAMPLING else actual[name].default
        assert default == expected, name


def test_public_names_and_what_they_offer_have_docstrings() -> None:
    for name in engine.__all__:
        held = getattr(engine, name)
        assert inspect.getdoc(held), name
        for member, value in vars(held).items() if isinstance(held, type) else ():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{member}"
