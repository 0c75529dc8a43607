"""A model file from a model hub over HTTP, picked up where an earlier attempt ended.

In: repository, file, and the `.part` file to fill. What has arrived stays there when the connection breaks, and a note
beside it says which version of the file it belongs to: a part is continued only where the server still offers the same
one (entity tag and size), or where a known sha256 will tell. A server that ignores ranges sends the whole file again.
Broken connections and busy servers are tried again a few times; a final answer (404, 401, a wrong size) is not.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from engine.errors import DownloadFailed
from engine.models.environment import hub_endpoint
from engine.models.model_source import SHA256
from engine.models.progress import Progress, stage

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 4
PAUSE_SECONDS = 0.5
# An attempt that brought this much was no failure.
_WORTHWHILE = 1 << 20
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class _Again(Exception):
    """This attempt came to nothing, another may not."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """What is asked for: `size` and `sha256` as far as `models.txt` knows them."""

    repository: str
    file: str
    size: int | None
    sha256: str | None

    @property
    def url(self) -> str:
        return f"{hub_endpoint()}/{self.repository}/resolve/main/{quote(self.file)}"


@dataclass(frozen=True, slots=True)
class PartialDownload:
    """The bytes that have arrived, and the note that says what they are part of."""

    path: Path

    @property
    def note(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def label(self, version: dict[str, object]) -> None:
        self.note.write_text(json.dumps(version), encoding="utf-8")

    def version(self) -> dict[str, object] | None:
        try:
            read = json.loads(self.note.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return read if isinstance(read, dict) else None


def fetch_hub_file(wanted: HubFile, part: PartialDownload, *, progress: Progress) -> str | None:
    """Fill `part`; the sha256 that the hub publishes for the file, where it does."""
    import httpx  # 0.27 s, and only for a download

    failures = 0
    with httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30.0)) as client:
        while True:
            before = part.size()
            try:
                return _attempt(client, wanted, part, progress)
            except httpx.UnsupportedProtocol as error:
                raise DownloadFailed(wanted.url, str(error)) from error
            except (_Again, httpx.TransportError) as error:
                failures = 0 if part.size() >= before + _WORTHWHILE else failures + 1
                if failures >= ATTEMPTS:
                    raise DownloadFailed(wanted.url, _last_words(error, part)) from error
            except (httpx.RequestError, httpx.InvalidURL) as error:
                raise DownloadFailed(wanted.url, str(error)) from error
            time.sleep(PAUSE_SECONDS * 2**failures)


def _last_words(error: Exception, part: PartialDownload) -> str:
    reason = str(error) or type(error).__name__
    return reason + (f"; {part.size()} bytes are kept for the next attempt" if part.size() else "")


def _attempt(client: httpx.Client, wanted: HubFile, part: PartialDownload, progress: Progress) -> str | None:
    offset = part.size() if part.version() is not None else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    with client.stream("GET", wanted.url, headers=headers) as response:
        published = _published_sha256(response)
        if response.status_code == 416:
            if _whole_size(response) == offset and _same_version(wanted, part, response):
                return published
            part.discard()
            raise _Again("the part at hand does not belong to the file that the server has")
        _check_status(wanted, response)
        total = _check_size(wanted, response)
        if response.status_code == 206:
            if _first_byte(response) != offset or not _same_version(wanted, part, response):
                part.discard()
                raise _Again("the file has changed since the last attempt")
        else:
            offset = 0
            part.discard()
            part.label(_version(response))
        _receive(response, part, offset, total, progress, wanted.file)
    return published


def _receive(
    response: httpx.Response, part: PartialDownload, offset: int, total: int | None, progress: Progress, name: str
) -> None:
    with stage(progress, f"fetching {name} from {response.url.host}", total), part.path.open("ab", buffering=0) as out:
        progress.advance(offset)
        # In the pieces that arrive: gathering larger ones would lose what was gathered when the connection breaks.
        for block in response.iter_raw():
            if total is not None and offset + len(block) > total:
                raise DownloadFailed(str(response.url), f"the server sends more than the {total} bytes of the file")
            out.write(block)
            offset += len(block)
            progress.advance(len(block))
    if total is not None and offset != total:
        raise _Again(f"the connection ended after {offset} of {total} bytes")


def _check_status(wanted: HubFile, response: httpx.Response) -> None:
    status = response.status_code
    if status in (200, 206):
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadFailed(wanted.url, "the server sends the file compressed, which was not asked for")
        return
    said = f"{status} {response.reason_phrase}"
    if status in _BUSY:
        raise _Again(f"the server answers {said}")
    if status in (401, 403):
        said += "; where the repository asks for a login, fetch the file by hand and name its path"
    raise DownloadFailed(wanted.url, f"the server answers {said}")


def _check_size(wanted: HubFile, response: httpx.Response) -> int | None:
    """The size of the whole file as far as anyone knows it; the server and `models.txt` must agree."""
    offered = _whole_size(response)
    if wanted.size is not None and offered not in (None, wanted.size):
        raise DownloadFailed(wanted.url, f"the server's file has {offered} bytes, models.txt says {wanted.size}")
    return wanted.size or offered


def _whole_size(response: httpx.Response) -> int | None:
    if response.status_code == 200:
        stated = response.headers.get("Content-Length", "")
    else:
        stated = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(stated) if stated.isascii() and stated.isdigit() else None


def _first_byte(response: httpx.Response) -> int | None:
    found = re.fullmatch(r"bytes (\d+)-\d+/(?:\d+|\*)", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _version(response: httpx.Response) -> dict[str, object]:
    return {"etag": response.headers.get("ETag"), "size": _whole_size(response)}


def _same_version(wanted: HubFile, part: PartialDownload, response: httpx.Response) -> bool:
    """Whether the part and the rest make one file, or a checksum will tell if they do not."""
    ours, theirs = part.version(), _version(response)
    return wanted.sha256 is not None or (ours == theirs and theirs["etag"] is not None)


def _published_sha256(response: httpx.Response) -> str | None:
    """The hub names the file's sha256 as a header of its own redirection to the storage."""
    for answer in (*response.history, response):
        tag: str = answer.headers.get("X-Linked-Etag", "").strip('"').lower()
        if SHA256.fullmatch(tag):
            return tag
    return None
