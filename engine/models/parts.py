"""A model in several files, as `llama-gguf-split` cuts it: NAME-00001-of-00003.gguf and so on.

In: the path of the first. Out: all of them, each a complete GGUF, in the order in which llama.cpp reads them. Refused with
`ModelFileInvalid`: another part than the first, a name that does not say its place (llama.cpp finds the others by it), a
part that is missing, or is of another model. The paths are taken as they are, not where links lead: in the hub's cache each
part is a link, and only the links have the names.

The digest of such a model is that of its files one after the other, as `cat NAME-*.gguf | sha256sum` prints it. Where one
file is needed, `llama-gguf-split --merge FIRST WHOLE.gguf` makes it.

Source: llama.cpp, `llama_split_path` and tools/gguf-split.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ModelFileInvalid
from engine.models.header import Header, read_header
from engine.models.single_file import gguf_span

_NAME = re.compile(r"(?P<stem>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})\.gguf")


@dataclass(frozen=True, slots=True)
class Parts:
    """`header` is that of the first file; `size` counts the bytes of all."""

    header: Header
    files: tuple[Path, ...]
    size: int


def read_parts(path: Path) -> Parts:
    """A model that is complete, in one file or several."""
    header = read_header(path)
    files = model_files(path, header)
    headers = [header, *(read_header(file) for file in files[1:])]
    for number, (file, found) in enumerate(zip(files, headers, strict=True)):
        if len(files) > 1 and (found.part, found.parts) != (number, len(files)):
            raise ModelFileInvalid(
                file, f"is part {found.part + 1} of {found.parts}, and part {number + 1} of {len(files)} was expected"
            )
    tensors = sum(found.tensors for found in headers)
    if header.all_tensors is not None and tensors != header.all_tensors:
        raise ModelFileInvalid(
            path, f"its {len(files)} parts have {tensors} tensors, {header.all_tensors} were expected; fetch them again"
        )
    return Parts(header, files, sum(gguf_span(file).size for file in files))


def model_files(path: Path, header: Header | None = None) -> tuple[Path, ...]:
    """The files of a model: all parts where `path` is the first, else `path` alone. What lies elsewhere is not looked for."""
    if header is None:
        if not _NAME.fullmatch(path.name):
            return (path,)
        header = read_header(path)
    if header.parts <= 1:
        return (path,)
    if header.part:
        first = part_names(path.name)
        hint = f"name the first, {path.with_name(first[0])}" if len(first) > 1 else "name the first"
        raise ModelFileInvalid(path, f"is part {header.part + 1} of {header.parts} of a model; {hint}")
    names = part_names(path.name)
    if len(names) != header.parts:
        raise ModelFileInvalid(
            path,
            f"is the first of {header.parts} parts, whose names must end in -00001-of-{header.parts:05}.gguf and so on; "
            "give them their names back, or merge them with `llama-gguf-split --merge FIRST WHOLE.gguf`",
        )
    files = tuple(path.with_name(name) for name in names)
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise ModelFileInvalid(path, f"is the first of {len(files)} parts; missing beside it: {', '.join(missing)}")
    return files


def model_size(path: Path) -> int:
    """Bytes of the weights: all parts, or the GGUF inside a file that carries one."""
    return sum(gguf_span(file).size for file in model_files(path))


def part_names(name: str) -> tuple[str, ...]:
    """The names of all parts, of one of them; the name itself where it is not that of a part. Folders stay before it."""
    found = _NAME.fullmatch(name)
    count = int(found["count"]) if found else 1
    if found is None or not 1 <= int(found["number"]) <= count:
        return (name,)
    return tuple(f"{found['stem']}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1))


def part_name(stem: str, number: int, count: int) -> str:
    """What part `number`, from 1 on, of a model is called; of a model in one file, the file."""
    return f"{stem}.gguf" if count == 1 else f"{stem}-{number:05}-of-{count:05}.gguf"
