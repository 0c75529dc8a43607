"""The guide: the pages of `engine/docs`, found by topic or by their words.

A topic is a page's path without its ending (`batch`, `design/mask-walk`); the page of a folder is its README.md. The pages are
Markdown, the examples Python.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from engine.errors import UsageError

_ENDINGS = (".md", ".py")
# Of questions.
_COMMON = re.compile(
    "a|an|and|are|as|at|be|by|can|do|does|for|from|get|have|how|i|if|in|is|it|my|no|not|of|on|or|so|that|the|there|this|to|use|used"
    "|want|what|when|where|which|who|why|will|with|you"
)
_ENDING = re.compile(r"(?<=[a-z]{4})(?:ing|ed|es|e|s)$")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)\n*")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class GuidePage:
    """`topic` is what the page is asked for by, `path` its file within the guide, `text` what stands there."""

    topic: str
    path: PurePosixPath
    text: str

    @property
    def title(self) -> str:
        if self.path.suffix == ".py":
            return self.text.partition('"""')[2].partition("\n")[0].removesuffix('"""')
        return self.text.partition("\n")[0].lstrip("# ")

    def sections(self) -> Iterator[tuple[str, str]]:
        """Headings, each with the text below it."""
        if self.path.suffix == ".py":
            yield self.title, self.text
            return
        for part in re.split(r"^(?=#{1,4} )", _outside_code(self.text), flags=re.MULTILINE):
            heading, _, body = part.partition("\n")
            if heading:
                yield heading.lstrip("# ").strip("`"), body.replace("\0", "#")

    def for_terminal(self) -> str:
        """The Markdown with links as topics of `engine help`, without pictures and comments."""
        text = _COMMENT.sub("", _PICTURE.sub("", self.text))
        return _LINK.sub(self._as_topic, text)

    def _as_topic(self, link: re.Match[str]) -> str:
        place = link[2].partition("#")[0]
        if "://" in place or PurePosixPath(place).suffix not in _ENDINGS:
            return link[0] if "://" in place else link[1]
        return f"[{link[1]}](help {topic_of(_joined(self.path.parent, place))})"


def guide_pages() -> dict[str, GuidePage]:
    """All pages by topic, in the order of their topics."""
    found = sorted(_walk(files("engine").joinpath("docs"), PurePosixPath()), key=lambda page: page.topic)
    return {page.topic: page for page in found}


def find_page(words: str) -> GuidePage | None:
    """The page whose topic is meant: all of it, or the last part or the beginning of a single one."""
    pages = guide_pages()
    wanted = (
        words.strip().strip("/").lower().replace("_", "-").replace(" ", "-").removesuffix(".md").removesuffix(".py")
    )
    if wanted in pages:
        return pages[wanted]
    last = [page for topic, page in pages.items() if topic.rpartition("/")[2] == wanted]
    begun = [page for topic, page in pages.items() if topic.startswith(wanted)]
    return next((found[0] for found in (last, begun) if len(found) == 1), None)


def search_guide(words: str) -> list[tuple[GuidePage, str, str]]:
    """Page, heading and a line for each section that has the words, the best first.

    A word in a heading counts more than one below it, and sections that have all words hide those that lack some. Words that
    every sentence has do not count. `UsageError` where no section has half of them.
    """
    typed = re.findall(r"[\w.-]+", words.lower())
    wanted = [_ENDING.sub("", word) for word in typed if not _COMMON.fullmatch(word)] or typed
    scored = []
    for page in guide_pages().values():
        for heading, body in page.sections():
            found = _score(wanted, page.topic, heading.lower(), body.lower())
            if 2 * found[0] >= len(wanted):
                scored.append((found, page, heading, _line_with(wanted, body)))
    if not scored or not wanted:
        close = difflib.get_close_matches(words.lower(), guide_pages(), n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "`engine help` lists the topics"
        raise UsageError(f"the guide has no topic and no section with {words!r}; {hint}")
    most = max(found[0] for found, *_ in scored)
    kept = [entry for entry in scored if entry[0][0] == most or most < len(wanted)]
    return [(page, heading, line) for _, page, heading, line in sorted(kept, key=lambda entry: entry[0], reverse=True)]


def _score(wanted: list[str], topic: str, heading: str, body: str) -> tuple[int, float, float]:
    """How many of the words are there, how many of them in the heading or the topic, and how dense they are."""
    there = [word for word in wanted if word in heading or word in body or word in topic]
    above = sum(word in heading for word in there) + sum(word in topic for word in there) / 2
    return len(there), above, sum(body.count(word) for word in there) / (len(body) + 200)


def topic_of(path: PurePosixPath) -> str:
    """The topic of a file of the guide."""
    kept = path.parent if path.stem == "README" else path.with_suffix("")
    return "" if kept == PurePosixPath() else str(kept).replace("_", "-")


def _walk(folder: Traversable, place: PurePosixPath) -> Iterator[GuidePage]:
    for entry in folder.iterdir():
        path = place / entry.name
        if entry.is_dir():
            yield from _walk(entry, path)
        elif path.suffix in _ENDINGS:
            yield GuidePage(topic_of(path), path, entry.read_text(encoding="utf-8"))


def _joined(folder: PurePosixPath, place: str) -> PurePosixPath:
    parts: list[str] = []
    for part in (folder / place).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def _outside_code(text: str) -> str:
    """The text with the number signs of code blocks as NUL, so that no comment looks like a heading."""
    return re.sub(r"^```.*?^```$", lambda block: block[0].replace("#", "\0"), text, flags=re.MULTILINE | re.DOTALL)


def _line_with(words: list[str], body: str) -> str:
    lines = [line.strip(" |-") for line in body.splitlines() if line.strip(" |-`")]
    return max(lines, key=lambda line: sum(word in line.lower() for word in words), default="")
