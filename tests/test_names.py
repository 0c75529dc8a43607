"""One word for one thing: no public name is defined in two modules, and every place that the glossary names exists."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import engine

PACKAGE = Path(engine.__file__).parent
GLOSSARY = PACKAGE / "docs" / "glossary.md"
EXAMPLES = PACKAGE / "docs" / "examples"


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if EXAMPLES in path.parents:  # programs of their own
            continue
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def defined(body: list[ast.stmt]) -> Iterator[str]:
    """The names that statements of a module define; what they import is not theirs."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
        elif isinstance(node, ast.If | ast.Try):
            yield from defined(node.body)
            yield from defined(node.orelse)


def is_public(name: str) -> bool:
    """Type variables of one letter are nobody's words."""
    return not name.startswith("_") and len(name) > 1


def test_no_public_name_is_defined_in_two_modules() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for module, tree in modules():
        for name in filter(is_public, defined(tree.body)):
            homes[name].add(module)
    assert {name: sorted(found) for name, found in homes.items() if len(found) > 1} == {}


def test_names_are_found_where_they_are_defined() -> None:
    body = ast.parse(
        "A: int = 1\nb, (c, _d) = f()\ndef e(): g = 1\nif x:\n    class H: ...\nelse:\n    i = 2\nT = 3"
    ).body
    assert sorted(defined(body)) == ["A", "H", "T", "_d", "b", "c", "e", "i"]
    assert not is_public("T")


def rows() -> list[list[str]]:
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1:]]


def test_the_glossary_has_its_terms_once_and_in_order() -> None:
    terms = [row[0] for row in rows()]
    assert len(terms) >= 60
    assert terms == sorted(set(terms), key=str.lower)
    assert all(len(row) == 3 and all(row) for row in rows())


def test_every_place_in_the_glossary_exists() -> None:
    names = {module: set(defined(tree.body)) for module, tree in modules()}
    members = {
        (module, node.name): {*defined(node.body)}
        for module, tree in modules()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    missing = []
    for row in rows():
        places = re.findall(r"`([\w.]+)`", row[2])
        assert places, f"{row[0]}: no place in the code"
        for place in places:
            parts = place.split(".")
            module = next(m for n in range(len(parts), -1, -1) if (m := ".".join(["engine", *parts[:n]])) in names)
            rest = place.split(".")[module.count(".") :]
            found = not rest or rest[0] in names[module]
            if len(rest) == 2:
                found = rest[1] in members.get((module, rest[0]), set())
            if not found or len(rest) > 2 or module == "engine":
                missing.append(place)
    assert missing == []
