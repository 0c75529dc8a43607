"""Server clients: the three protocols of `engine serve`, asked with httpx alone. OpenAI's and Ollama's own clients send the same.

engine serve --port 8080 &
python server_clients.py http://127.0.0.1:8080
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import httpx

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TEXT = "My name is John and I am 20 years old"
MESSAGES = [{"role": "user", "content": f"Extract the user as JSON: {TEXT}"}]


def ask(client: httpx.Client) -> None:
    model = client.get("/v1/models").json()["data"][0]["id"]
    form = {"type": "json_schema", "json_schema": {"name": "user", "schema": SCHEMA}}
    body = {"model": model, "messages": MESSAGES, "response_format": form, "temperature": 0}
    print("openai ", client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["content"])

    body = {"model": model, "messages": MESSAGES, "format": SCHEMA, "stream": False, "options": {"temperature": 0}}
    print("ollama ", client.post("/api/chat", json=body).json()["message"]["content"])

    with client.stream("POST", "/extract", json={"fields": "name, age int", "texts": [TEXT], "one": True}) as lines:
        for line in lines.iter_lines():  # each the moment its object closes
            print("extract", json.loads(line))


def reach(address: str) -> httpx.Client:
    """A client that waits for a server whose model is being loaded."""
    return httpx.Client(base_url=address, timeout=120, transport=httpx.HTTPTransport(retries=9))


def main(address: str | None) -> None:
    if address is not None:
        with reach(address) as client:
            ask(client)
        return
    # A server of its own, on a free port, for as long as this takes.
    command = [sys.executable, "-m", "engine", "serve", "--port", "0", "--sequences", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            found = next(found for line in server.stderr if (found := re.search(r"http://\S+", line)))
            with reach(found[0]) as client:
                ask(client)
        finally:
            server.terminate()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
