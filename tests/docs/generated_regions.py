"""The parts of the guide that are made of the code: docstrings, options, errors, models.

A page has them between `<!-- generated: NAME -->` and `<!-- end -->`. After a change of the code:

    python tests/docs/generated_regions.py
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

import engine
from engine import errors
from engine.cli.application import _COMMANDS, _HELP, exit_code
from engine.models import list_models
from engine.regular import charset

GUIDE = Path(engine.__file__).parent / "docs"
COMMAND = "python tests/docs/generated_regions.py"
_REGION = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

# Beside the names of the package: what they give, by the module and the class.
_GIVEN = (
    "engine.extraction.extraction.Outcome",
    "engine.extraction.extraction.Stats",
    "engine.extraction.partial.Partial",
    "engine.decoding.statistics.Statistics",
    "engine.extraction.grounded.SourceSpan",
    "engine.extraction.document.Document",
    "engine.extraction.document.Result",
)
_METHODS = ("batch", "close", "detailed", "errors", "extract", "messages", "prompt", "aclose")


def filled(page: Path) -> str:
    """The text of a page with its regions made anew."""

    def made(region: re.Match[str]) -> str:
        text = file_list(page.parent, region[3]) if region[2] == "files" else REGIONS[region[2]]()
        return f"{region[1]}\n{text.strip()}\n\n{region[4]}"

    return _REGION.sub(made, page.read_text(encoding="utf-8"))


def file_list(folder: Path, before: str) -> str:
    """The modules below a folder, each with what its docstring says first, in the order that the page has; new ones last."""
    there = {str(path.relative_to(folder)) for path in folder.rglob("*.py") if path.name != "__init__.py"}
    listed = [name for name in re.findall(r"^- \[`([^`]+)`\]", before, re.MULTILINE) if name in there]
    return "\n".join(
        f"- [`{name}`]({name}): {_first_sentence(folder / name)}" for name in (*listed, *sorted(there - set(listed)))
    )


def _first_sentence(path: Path) -> str:
    doc = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    return " ".join(re.sub(r"^[A-Z][\w -]*: ", "", " ".join(doc.split()), count=1).split()).rstrip(".")


def public_names() -> str:
    """The public names with signatures and docstrings."""
    names = sorted(engine.__all__, key=lambda name: (not name[0].islower(), name.lower()))
    shown = [_described(name, getattr(engine, name)) for name in names]
    for path in _GIVEN:
        module, _, name = path.rpartition(".")
        shown.append(_described(name, getattr(import_module(module), name)))
    return "\n\n".join(shown)


def _described(name: str, thing: Any, level: int = 3) -> str:
    parts = [f"{'#' * level} `{name}`", f"```python\n{_signature(name, thing)}\n```", _docstring(thing)]
    if inspect.isclass(thing):
        for method in _METHODS:
            member = vars(thing).get(method)
            if member is not None and (inspect.getdoc(member) or ""):
                inner = member.fget if isinstance(member, property) else member
                note = " (a property)" if isinstance(member, property) else ""
                parts.append(f"**`.{method}{'' if note else '(…)'}`**{note}")
                if not note:
                    parts.append(f"```python\n{_signature(method, inner)}\n```")
                parts.append(_docstring(member))
    return "\n\n".join(part for part in parts if part)


def _signature(name: str, thing: Any) -> str:
    """Name, parameters and what comes back; a long one has a parameter a line."""
    signature = inspect.signature(thing)
    parameters = [one for one in signature.parameters.values() if one.name != "self"]
    words = list(map(_parameter, parameters))
    for at, one in enumerate(parameters):
        if one.kind is one.KEYWORD_ONLY:
            words.insert(at, "*")
            break
    back = "" if inspect.isclass(thing) else f" -> {signature.return_annotation}"
    flat = f"{name}({', '.join(words)}){back}"
    return flat if len(flat) <= 100 else "\n".join([f"{name}(", *(f"    {word}," for word in words), f"){back}"])


def _parameter(parameter: inspect.Parameter) -> str:
    stars = (
        "**" if parameter.kind is parameter.VAR_KEYWORD else "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    )
    annotation = inspect.formatannotation(parameter.annotation) if parameter.annotation is not parameter.empty else ""
    typed = f"{stars}{parameter.name}" + (f": {annotation.strip(chr(39))}" if annotation else "")
    if parameter.default is parameter.empty:
        return typed
    default = "…" if repr(parameter.default).startswith("<") else repr(parameter.default)
    return f"{typed} = {default}" if annotation else f"{typed}={default}"


def _docstring(thing: Any) -> str:
    """The docstring as Markdown: what is indented, and examples, become blocks of code."""
    doc = inspect.getdoc(thing) or ""
    parts = []
    for paragraph in re.split(r"\n\n", doc):
        lines = paragraph.split("\n")
        if lines[0].startswith(">>>"):
            code = [re.sub(r"^(>>> |\.\.\. )|  # doctest.*$", "", line) for line in lines]
            parts.append("```python\n" + "\n".join(code) + "\n```")
        elif any(line.startswith("  ") for line in lines):
            at = next(index for index, line in enumerate(lines) if line.startswith("  "))
            if at:
                parts.append("\n".join(lines[:at]))
            parts.append("```text\n" + textwrap.dedent("\n".join(lines[at:])) + "\n```")
        else:
            parts.append(paragraph)
    return "\n\n".join(parts)


def exit_codes() -> str:
    rows = re.findall(r"^ +(\d+)  (\S.*)$", _HELP, re.MULTILINE)
    return "\n".join(["| exit code | meaning |", "|---|---|", *(f"| {code} | {text} |" for code, text in rows)])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its words, those of a group after the group."""
    for name, (module, attribute, _) in _COMMANDS.items():
        command = typer.main.get_command(getattr(import_module(module), attribute))
        yield name, command
        for inner, one in getattr(command, "commands", {}).items():
            yield f"{name} {inner}", one


def command_line() -> str:
    """Every command: what it does, its arguments and options. What many share stands once, at the end."""
    every = [(name, command, [_option(one) for one in command.params]) for name, command in commands()]
    times = Counter(option for _, _, options in every for option in options if option[0].startswith("-"))
    shared = {option for option, count in times.items() if count >= 3}
    parts = []
    for name, command, options in every:
        own = [option for option in options if option not in shared]
        also = [f"`{option[0].split(',')[0].split()[0]}`" for option in options if option in shared]
        parts.append(f"### `engine {name}`\n\n{_help_text(command.help or '')}")
        if own:
            parts.append(_table(own))
        if also:
            parts.append(
                f"Also, from [the options of several commands](#options-of-several-commands): {', '.join(also)}."
            )
    parts.append("### Options of several commands\n\n" + _table([option for option in times if option in shared]))
    return "\n\n".join(parts)


def _option(parameter: Any) -> tuple[str, str, str]:
    """Its words, its default and its meaning."""
    words = ", ".join(sorted(parameter.opts, key=len, reverse=True))
    if not words.startswith("-"):
        return parameter.metavar or words.upper(), "", parameter.help or ""
    if parameter.secondary_opts:
        words = f"{words}/{parameter.secondary_opts[0]}"
    elif parameter.metavar and not parameter.is_flag:
        words += f" {parameter.metavar}"
    default = "" if parameter.default in (None, False, True, ()) else str(parameter.default)
    return words, default, parameter.help or ""


def _table(options: list[tuple[str, str, str]]) -> str:
    rows = [f"| `{words}` | {default} | {meaning} |" for words, default, meaning in map(_cells, options)]
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *rows])


def _cells(option: tuple[str, str, str]) -> tuple[str, ...]:
    return tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in option)


def _help_text(text: str) -> str:
    """A command's help as Markdown; its paragraphs that keep their lines are blocks of code."""
    parts = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            parts.append("```text\n" + paragraph.removeprefix("\b\n") + "\n```")
        else:
            parts.append(paragraph)
    return "\n\n".join(parts)


def error_tree() -> str:
    """The tree as `engine.errors` draws it, then each class with what it says of itself."""
    doc = inspect.getdoc(errors) or ""
    drawn = textwrap.dedent(doc[doc.index("    EngineError") : doc.rindex("\n\n")])
    parts = ["```text\n" + drawn.rstrip() + "\n```", "| error | exit code | attributes and meaning |", "|---|---|---|"]
    parts = [parts[0], "\n".join(parts[1:] + [_error_row(kind) for kind in error_classes()])]
    return "\n\n".join(parts)


def error_classes() -> list[type[errors.EngineError]]:
    return [
        thing for thing in vars(errors).values() if inspect.isclass(thing) and issubclass(thing, errors.EngineError)
    ]


def _error_row(kind: type[errors.EngineError]) -> str:
    said = " ".join((inspect.getdoc(kind) or "").split()).replace("|", "\\|")
    return f"| `{kind.__name__}` | {exit_code(kind.__new__(kind))} | {said} |"


def models() -> str:
    """The lines of `models.txt`."""
    rows = ["| name | MB | licence |", "|---|---|---|"]
    for line in list_models():
        size = f"{line.size / 1e6:,.0f}" if line.size else "?"
        rows.append(f"| `{line.name}` | {size} | {line.licence} |")
    return "\n".join(rows)


def function_caches() -> str:
    """Every function whose answers are kept as long as the process: where it is, and how many are kept."""
    rows = ["| function | answers kept |", "|---|---|"]
    for path in sorted(GUIDE.parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for kept in (_kept(one, path) for one in getattr(node, "decorator_list", ())):
                if kept:
                    rows.append(f"| `{path.relative_to(GUIDE.parent).with_suffix('')}.{node.name}` | {kept} |")  # type: ignore[attr-defined]
    return "\n".join(rows)


def _kept(decorator: ast.expr, path: Path) -> str:
    match decorator:
        case ast.Name(id="cache"):
            return "one for each argument there is"
        case ast.Name(id="_remembered"):
            return f"{charset._MANY:,} of short sets, {charset._FEW:,} of long ones"
        case ast.Call(func=ast.Name(id="lru_cache"), keywords=[ast.keyword(arg="maxsize", value=size)]):
            module = "engine." + ".".join(path.relative_to(GUIDE.parent).with_suffix("").parts)
            return f"{eval(ast.unparse(size), vars(import_module(module))):,}"
    return ""


REGIONS: dict[str, Callable[[], str]] = {
    "api": public_names,
    "caches": function_caches,
    "commands": command_line,
    "errors": error_tree,
    "exit-codes": exit_codes,
    "models": models,
}


def pages_with_regions() -> list[Path]:
    return [path for path in sorted(GUIDE.parent.rglob("*.md")) if _REGION.search(path.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    for path in pages_with_regions():
        if (made := filled(path)) != path.read_text(encoding="utf-8"):
            path.write_text(made, encoding="utf-8")
            print(f"{path.relative_to(GUIDE.parent)}: made anew")
