"""HTML report: results as one file that fetches nothing, or several where there are very many.

Documents are data: they stand in the page as JSON, are shown as text, and the page's policy lets no script run but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from string import Template

from engine.basics.replacing import replacing
from engine.errors import OutputFailed
from engine.report.report_document import ReportDocument, header_line

DOCUMENTS_PER_FILE = 10_000
_CHARACTERS_PER_FILE = 64 << 20
# In the order in which one needs the others.
_MODULES = (
    "documents.js",
    "corrections.js",
    "text_view.js",
    "document_list.js",
    "object_table.js",
    "value_cards.js",
    "report.js",
)
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def write_report(
    documents: Iterable[ReportDocument],
    target: Path,
    *,
    title: str = "Report",
    many: bool = True,
    documents_per_file: int = DOCUMENTS_PER_FILE,
) -> list[Path]:
    """Write the page; gives its files: `target`, and `target-2.html` … where there are more documents than a page opens quickly.

    `many`: a document's answer is a list of objects. Raises `OutputFailed`.
    """
    written: list[Path] = []
    parts = _parts(documents, documents_per_file)
    part: list[ReportDocument] | None = next(parts)
    while part is not None:
        following = next(parts, None)
        path = _part_path(target, len(written))
        links = [_link(written[-1], "previous documents")] if written else []
        if following is not None:
            links.append(_link(_part_path(target, len(written) + 1), "next documents"))
        _write_page(path, _page(part, title, many, " ".join(links)))
        written.append(path)
        part = following
    return written


def _parts(documents: Iterable[ReportDocument], most: int) -> Iterator[list[ReportDocument]]:
    """At least one, which may be empty."""
    part: list[ReportDocument] = []
    size = 0
    for document in documents:
        if part and (len(part) == most or size > _CHARACTERS_PER_FILE):
            yield part
            part, size = [], 0
        part.append(document)
        size += len(document.text or "") + sum(map(len, document.objects))
    yield part


def _part_path(target: Path, number: int) -> Path:
    return target if number == 0 else target.with_name(f"{target.stem}-{number + 1}{target.suffix}")


def _link(path: Path, text: str) -> str:
    return f'<a class="parts" href="./{html.escape(path.name)}">{text}</a>'


def _page(documents: list[ReportDocument], title: str, many: bool, parts: str) -> str:
    lines = [document.line() for document in documents]
    digest = hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    style, script = _web("report.css"), "".join(map(_inlined, _MODULES))
    sources = f"script-src {_source_hash(script)}; style-src {_source_hash(style)}"
    return Template(_web("report.html")).substitute(
        policy=f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'",
        title=html.escape(title),
        style=style,
        script=script,
        parts=parts,
        data="\n".join([header_line(documents, many=many, digest=digest), *lines]),
    )


def _write_page(path: Path, page: str) -> None:
    try:
        # Half a surrogate pair is an escape of JSON as it is one of Python.
        with replacing(path) as draft:
            draft.write_bytes(page.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise OutputFailed(path, str(error.strerror)) from error


def _web(name: str) -> str:
    return (files("engine.report") / "web" / name).read_text("utf-8")


def _inlined(name: str) -> str:
    """A module without its imports and exports: in one file all are one module."""
    return _EXPORT.sub("", _IMPORT.sub("", _web(name)))


def _source_hash(text: str) -> str:
    """As a Content-Security-Policy names an inline element."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
