"""The SCHEMA argument: a Python type, a JSON Schema file, or fields in one line.

In: the word that was typed. Out: a type, or a JSON Schema as a dict. Python code that is named here is run, as `python`
would run it; nothing else is. `UsageError` says what was tried.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import json
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.cli.documents import read_text
from engine.cli.fields import parse_fields
from engine.errors import SchemaEnveloped, SchemaError, UsageError
from engine.schema.doubts import doubts
from engine.schema.envelopes import find_envelope

MODULE = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")
FILE = re.compile(r"(?P<path>.+\.py):(?P<attribute>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")


def read_schema_argument(schema: str) -> Any:
    """The type, or the JSON Schema as a dict or a bool, that SCHEMA stands for."""
    if found := FILE.fullmatch(schema):
        return _attribute(_run_file(Path(found["path"])), found["attribute"], schema)
    if schema.endswith(".json"):
        return _json_schema(Path(schema))
    if found := MODULE.fullmatch(schema):
        return _attribute(_import(found["module"]), found["attribute"], schema)
    if schema.endswith(".py"):
        raise UsageError(f"{schema!r} does not say which class: write {schema}:CLASS")
    if re.search(r"[./\\]", schema) and Path(schema).exists():
        raise UsageError(
            f"SCHEMA, which comes first, says what to extract; {schema!r} is a {'folder' if Path(schema).is_dir() else 'file'}. "
            "Write fields in one line as in 'name, age int', MODULE:CLASS, FILE.py:CLASS or FILE.json"
        )
    return parse_fields(schema)


def refuse_doubts(target: Any) -> None:
    """What would be a warning about a JSON Schema is an error."""
    for doubt in doubts(target) if isinstance(target, dict) else ():
        raise SchemaError(doubt.path, "", f"{doubt.text} (refused by --strict)")


def _import(name: str) -> ModuleType:
    # A console script does not look into the working folder, where the user's modules are.
    # A single file has the user's module inside, and what lies in the working folder is nothing to it.
    if "" not in sys.path and not getattr(sys, "frozen", False):
        sys.path.insert(0, "")
    importlib.invalidate_caches()
    try:
        if importlib.util.find_spec(name) is None:
            raise UsageError(_no_module(name))
    except ModuleNotFoundError as error:  # a parent package is missing
        raise UsageError(_no_module(name)) from error
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:  # foreign code: whatever it raises is its own
        raise UsageError(_failed(name, error)) from error


def _no_module(name: str) -> str:
    return (
        f"no module {name!r} here or in this Python's path. SCHEMA is MODULE:CLASS, FILE.py:CLASS, FILE.json, or "
        f"fields in one line ({name}: DESCRIPTION with a blank after the colon is a field)"
    )


def _run_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"no file {str(path)!r}")
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    # Registered before it runs, because Pydantic looks names up there; the prefix keeps it from hiding another module.
    name = f"engine_target_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # foreign code: whatever it raises is its own
        del sys.modules[name]
        raise UsageError(_failed(str(path), error)) from error
    return module


def _failed(what: str, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"importing {what} failed: {type(error).__name__}: {error}{where}"


def _attribute(module: ModuleType, path: str, schema: str) -> Any:
    value: Any = module
    for name in path.split("."):
        if not hasattr(value, name):
            types = {known: held for known, held in vars(value).items() if isinstance(held, type)}
            # What it imports is not its own.
            names = [known for known, held in types.items() if held.__module__ == module.__name__]
            close = difflib.get_close_matches(name, types, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(names[:8])}" if names else ""
            place = schema.rpartition(":")[0] if value is module else getattr(value, "__name__", path)
            raise UsageError(f"{place} has no {name!r}{hint}")
        value = getattr(value, name)
    return value


def _json_schema(path: Path) -> Any:
    try:
        schema = json.loads(read_text(path), object_pairs_hook=_unique, parse_constant=_no_constant)
    except ValueError as error:
        raise UsageError(f"{path}: not a JSON Schema: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: not a JSON Schema that can be read: nested too deeply") from error
    if isinstance(schema, list) and (envelope := find_envelope(schema)) is not None:
        raise SchemaEnveloped(envelope.kind, envelope.pointers)
    if not isinstance(schema, dict | bool):
        raise UsageError(f"{path}: a JSON Schema is an object, true or false")
    return schema


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return members


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
