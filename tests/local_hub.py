"""A model hub on the loopback interface, which speaks the hub's protocol.

It can break off, refuse, ask for a login, and hold an answer back until the test lets it go on.
"""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 60
COMMIT = "c" * 40


class Hub:
    """Files behind a server; what it does wrong is set by the test, what it was asked is kept."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.published: str | None = None
        self.refusal: tuple[int, str] | None = None
        self.drops: list[int] = []
        self.requests: list[tuple[str, str]] = []
        self.ranges: list[str | None] = []
        self.tokens: list[str | None] = []
        self.hold_at: int | None = None
        self.holding = threading.Event()
        self.go_on = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": self}))
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def content(self) -> bytes:
        return self.files["f.gguf"]

    @content.setter
    def content(self, content: bytes) -> None:
        self.files["f.gguf"] = content

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def bodies(self) -> int:
        """How often a file was sent."""
        return len(self.ranges)

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        hub.requests.append((self.command, path))
        hub.tokens.append(self.headers.get("Authorization"))
        if hub.refusal is not None:
            self.refuse(*hub.refusal)
        elif path.startswith("/api/models/me/models"):
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in hub.files.items()
            ]
            siblings = [{"rfilename": name} for name in hub.files]
            shown = tree if "/tree/" in path else {"id": "me/models", "sha": COMMIT, "siblings": siblings}
            self.send(json.dumps(shown).encode(), body=body)
        elif path.startswith("/me/models/resolve/") and (name := path.split("/", 5)[5]) in hub.files:
            self.send_file(hub.files[name], body=body)
        else:
            known = path.startswith("/me/models/")
            self.refuse(404 if known else 401, "EntryNotFound" if known else "RepoNotFound")

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, data: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if body else b"")

    def send_file(self, data: bytes, *, body: bool) -> None:
        hub, asked = self.hub, self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and body else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        commit = hashlib.sha1(data + (hub.published or "").encode()).hexdigest()
        self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Linked-Etag", f'"{hub.published or hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if not body:
            return
        hub.ranges.append(asked)
        stop = hub.drops.pop(0) if hub.drops else len(data)
        if hub.hold_at is not None and start < hub.hold_at < stop:
            self.wfile.write(data[start : hub.hold_at])
            self.wfile.flush()
            hub.holding.set()
            assert hub.go_on.wait(PATIENCE)
            start = hub.hold_at
        try:
            self.wfile.write(data[start:stop])
        except ConnectionError:
            return  # the client was stopped by the test

    def log_message(self, format: str, *args: object) -> None: ...
