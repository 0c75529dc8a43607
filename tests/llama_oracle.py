"""llama.cpp's own grammar code as a string-level reference matcher, through ctypes on libllama.

`LlamaOracle().accepts(grammar_text, candidates)` says for each candidate whether the grammar matches the whole of it,
or None where llama.cpp refuses the grammar. With no vocabulary the exported C++ functions need nothing but code
points. A bad grammar can abort, hang or exhaust its process, so the code runs in a child with a memory limit; when
the child dies or stalls, `OracleDied` is raised and the next question gets a new child. Run as a script, this file is
the child.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

MEMORY_LIMIT = 1 << 30


class OracleDied(Exception):
    """llama.cpp took its process down, or did not answer in time, on this grammar."""


def libllama() -> Path:
    """The shared library inside the installed llama_cpp, found without importing it."""
    spec = find_spec("llama_cpp")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("llama_cpp is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "lib"
    for name in ("libllama.so", "libllama.dylib"):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"no libllama in {folder}")


class LlamaOracle:
    """One child process, started at the first question. `cpu_seconds` is what one question may cost it."""

    def __init__(self, cpu_seconds: float = 60.0) -> None:
        self._cpu_seconds = cpu_seconds
        self._child: subprocess.Popen[bytes] | None = None

    def accepts(self, grammar_text: str, candidates: list[str]) -> list[bool] | None:
        """Whether each candidate matches; None if llama.cpp refuses the grammar. Raises OracleDied."""
        if "\0" in grammar_text:
            raise ValueError("a grammar is a C string and cannot hold NUL")
        question = {"grammar": grammar_text, "candidates": [[ord(c) for c in text] for text in candidates]}
        answer: list[bool] | None = self._ask(question)
        return answer

    def close(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.communicate()

    def __enter__(self) -> LlamaOracle:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _ask(self, question: object) -> Any:
        if self._child is None:
            self._child = _start(self._cpu_seconds)
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
            self._child.stdin.flush()
        line = self._read_line()
        if line is None:
            self.close()
            raise OracleDied("llama.cpp's grammar code died or did not answer")
        return json.loads(line)

    def _read_line(self) -> bytes | None:
        assert self._child is not None
        assert self._child.stdout is not None
        pipe, line = self._child.stdout.fileno(), b""
        while not line.endswith(b"\n"):
            if not select.select([pipe], [], [], 30 * self._cpu_seconds)[0]:  # stuck without using the processor
                return None
            piece = os.read(pipe, 1 << 16)
            if not piece:
                return None
            line += piece
        return line


def _start(cpu_seconds: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(libllama()), str(cpu_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
    )


class _Vector(ctypes.Structure):
    """std::vector as GNU's and LLVM's libraries lay it out."""

    _fields_ = (("begin", ctypes.c_void_p), ("end", ctypes.c_void_p), ("capacity", ctypes.c_void_p))

    def span(self) -> tuple[int, int]:
        return self.begin or 0, (self.end or 0) - (self.begin or 0)


class _Matcher:
    """A grammar in llama.cpp's memory. Its stacks are copied out once and put back before each candidate."""

    def __init__(self, library: ctypes.CDLL, text: str) -> None:
        make = library._Z23llama_grammar_init_implPK11llama_vocabPKcS3_bPS3_mPKim
        make.restype = ctypes.c_void_p
        triggers = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t)
        make.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_bool, *triggers)
        self._accept = library._Z20llama_grammar_acceptP13llama_grammarj
        self._accept.restype = None
        self._accept.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        stacks = library._Z24llama_grammar_get_stacksP13llama_grammar
        stacks.restype, stacks.argtypes = ctypes.POINTER(_Vector), [ctypes.c_void_p]
        self._free = library._Z23llama_grammar_free_implP13llama_grammar
        self._free.restype, self._free.argtypes = None, [ctypes.c_void_p]
        self._libc = ctypes.CDLL(None)
        self._libc.malloc.restype, self._libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self._libc.free.restype, self._libc.free.argtypes = None, [ctypes.c_void_p]
        self.grammar = make(None, text.encode("utf-8", "surrogatepass"), b"root", False, None, 0, None, 0)
        if self.grammar:
            self._stacks = stacks(self.grammar)[0]
            self._initial = [self._content(stack) for stack in self._inner()]

    def accepts(self, code_points: list[int]) -> bool:
        self._restore()
        for code_point in code_points:
            if self._stacks.begin == self._stacks.end:
                return False
            self._accept(self.grammar, code_point)
        return any(stack.span()[1] == 0 for stack in self._inner())

    def close(self) -> None:
        self._free(self.grammar)

    def _inner(self) -> list[_Vector]:
        begin, size = self._stacks.span()
        if not size:
            return []
        return list((_Vector * (size // ctypes.sizeof(_Vector))).from_address(begin))

    @staticmethod
    def _content(stack: _Vector) -> bytes:
        begin, size = stack.span()
        return ctypes.string_at(begin, size) if size else b""

    def _copy(self, content: bytes) -> tuple[int, int]:
        if not content:
            return 0, 0
        place = self._libc.malloc(len(content))  # operator delete is free() in both libraries
        ctypes.memmove(place, content, len(content))
        return place, place + len(content)

    def _restore(self) -> None:
        for stack in self._inner():
            self._libc.free(stack.begin)
        self._libc.free(self._stacks.begin)
        inner = (_Vector * len(self._initial))()
        for stack, content in zip(inner, self._initial, strict=True):
            stack.begin, stack.end = self._copy(content)
            stack.capacity = stack.end
        self._stacks.begin, self._stacks.end = self._copy(bytes(inner))
        self._stacks.capacity = self._stacks.end


def _serve(library: ctypes.CDLL, cpu_seconds: float) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # an abort writes its trace to the standard output
    for line in sys.stdin:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)  # its signal ends the process
        matcher = _Matcher(library, question["grammar"])
        answer = None
        if matcher.grammar:
            answer = [matcher.accepts(candidate) for candidate in question["candidates"]]
            matcher.close()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _serve(ctypes.CDLL(sys.argv[1]), float(sys.argv[2]))
