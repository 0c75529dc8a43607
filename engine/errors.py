"""Every error that the engine raises on purpose, in one tree.

    EngineError
    ├── SchemaError            a model or JSON Schema that cannot become a grammar
    │   ├── SchemaEnveloped        a tool or a response format, with the pointer of the schema inside
    │   ├── UnsupportedSchema      a keyword or type that is not enforced, with its path
    │   └── UnsatisfiableSchema    no value at all is valid
    ├── GrammarError           a grammar that means nothing or cannot be run
    │   ├── GbnfSyntaxError        line, column and a caret
    │   ├── GrammarEmpty           no finite text matches it
    │   ├── GrammarTooComplex      a bound on the size of an automaton was reached
    │   └── NotPrintable           a guard or a terminal that GBNF cannot say
    ├── ModelError             a model file, or the settings that it is loaded with
    │   ├── ModelNotFound
    │   ├── ModelFileInvalid       not a GGUF, truncated, wrong checksum
    │   ├── DownloadFailed
    │   ├── CopyFailed             an import or export
    │   ├── ModelKillsProcess      llama.cpp dies with it on this machine, however it is run
    │   └── NotEnoughMemory        the estimate exceeds what the machine has
    ├── PromptError            a prompt that cannot be built
    │   ├── ChatFormatUnknown
    │   ├── MessageLost            a chat template would leave a message out of the prompt
    │   ├── TextUnreadable         a document that could not be read as text
    │   ├── NotDecodable           bytes that are not in the encoding that was said; which one they look like
    │   ├── TextEmpty              an empty document where at least one object is required
    │   ├── NotInText              a grounded value that must be there, and of which the document says nothing
    │   └── TextTooLong            how many tokens each part takes, how many fit
    ├── DecodingError          a generation that cannot go on
    │   ├── TokenRejected          the matcher was given a token that it does not allow
    │   ├── DeadEnd                no token leads on
    │   │   └── GuardUnsatisfied       no output within the bound satisfies a guard: its path, and what it said
    │   ├── BudgetTooSmall         max_tokens is below the shortest output
    │   ├── BudgetReached          max_tokens changed the output, and that was to be an error
    │   │   └── TextsEmptied           texts are empty only because max_tokens left no room for them
    │   ├── Cancelled              nobody waits for the document any more
    │   ├── BackendFailed          llama.cpp reported an error
    │   ├── ValidatorFailed        a validator of the model's type raised something else than a refusal
    │   └── UnsoundOutput          the grammar let through what does not validate: a defect of this engine
    ├── DocumentError          a document of a batch job that ends in a record of an error
    │   ├── EmptyDocument          it has no text, and so no objects
    │   ├── NotAText               not valid text: bytes that are not UTF-8, half a surrogate pair, another type
    │   ├── DocumentTimedOut
    │   └── WorkerDied             the process that decoded it ended, twice
    ├── JobError               a batch job that cannot start or go on; what is in its output is safe
    │   ├── InputInvalid           where and why
    │   ├── InputChanged           it is not what the job began with
    │   ├── JobDiffers             the arguments are not those that the job began with
    │   ├── OutputHeld             another job writes it
    │   ├── OutputFailed           the system refused a write
    │   ├── OutputDamaged          it is not what the job wrote
    │   └── WorkersFailed          worker processes cannot start
    ├── OutputRefused          standard output cannot be written to
    ├── ExtractionFailed       several documents failed; each error by its document
    ├── BuildFailed            a single file that could not be built
    └── UsageError             an argument that is not valid, a type that cannot be imported
        ├── EncodingUnknown        the name of no encoding, with the nearest one
        ├── WrongArgument          its name, its value, and what is allowed
        └── ExampleInvalid         an example whose answer is not valid for the type, with its number and the path

Each carries its facts as attributes; its text is made of them.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable
from pathlib import Path

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80
_CUT_SHOWN = 8
# Those that people mean; Python knows more.
_ENCODINGS = (
    *("utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1251", "windows-1250", "utf-16-le"),
    *("utf-16-be", "utf-32", "latin-1", "cp437", "cp850", "koi8-r", "shift-jis", "euc-jp", "gb18030", "big5", "euc-kr"),
    *("windows-1253", "windows-1254", "windows-1255", "windows-1256", "iso-8859-2", "macintosh", "ascii", "auto"),
)


class EngineError(Exception):
    """Root of the tree; catch it to catch everything that the engine raises on purpose."""


class SchemaError(EngineError):
    """`path` is a JSON pointer into the schema, `keyword` what stands there (may be empty)."""

    def __init__(self, path: str, keyword: str, reason: str) -> None:
        self.path = path or "/"
        self.keyword = keyword
        self.reason = reason
        named = f" {keyword!r}:" if keyword else ""
        super().__init__(f"schema at {self.path}:{named} {reason}")


class SchemaWarning(UserWarning):
    """Something in a JSON Schema is legal and hardly meant so: a keyword with a typo, say. `path` is its JSON pointer."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path or "/"
        super().__init__(f"schema at {self.path}: {text}")


class UnsupportedSchema(SchemaError):
    """The schema asks for something that would not be enforced."""


class SchemaEnveloped(SchemaError):
    """The document is `kind` (a tool, say), not a schema; `pointers` lead to the schemas in it."""

    def __init__(self, kind: str, pointers: tuple[str, ...]) -> None:
        self.kind, self.pointers = kind, pointers
        more = f" (and {len(pointers) - 1} more)" if len(pointers) > 1 else ""
        super().__init__("", "", f"this is {kind}, not a JSON Schema; take the schema inside, at {pointers[0]}{more}")


class UnsatisfiableSchema(SchemaError):
    """No value is valid under this schema."""


class GrammarError(EngineError):
    """A grammar that means nothing or cannot be run."""


class GbnfSyntaxError(GrammarError):
    """`line` and `column` count from 1; the message shows the line with a caret under the place."""

    def __init__(self, reason: str, *, line: int, column: int, source: str) -> None:
        self.reason, self.line, self.column, self.source = reason, line, column, source
        super().__init__(f"GBNF line {line}, column {column}: {reason}\n    {source}\n    {' ' * (column - 1)}^")


class GrammarEmpty(GrammarError):
    """No finite text matches the grammar."""


class GrammarTooComplex(GrammarError):
    """An automaton would need more than `limit` states, or a text more than so many of another unit. `path` is a JSON pointer
    into the schema that the grammar was made of (None: not known)."""

    def __init__(self, what: str, limit: int, unit: str = "states", *, path: str | None = None) -> None:
        self.what, self.limit, self.unit = what, limit, unit
        self.path = None if path is None else path or "/"
        where = "" if path is None else f"schema at {self.path}: "
        super().__init__(f"{where}{what} needs more than {limit} {unit}; bound its repeats or simplify its pattern")

    def at(self, path: str | None) -> GrammarTooComplex:
        """The same error with a path, if it has none so far."""
        if self.path is not None or path is None:
            return self
        return GrammarTooComplex(self.what, self.limit, self.unit, path=path)


class NotPrintable(GrammarError):
    """`reasons` names what the printed grammar would not enforce."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__("GBNF cannot express: " + "; ".join(reasons))


class ModelError(EngineError):
    """A model file, or the settings that it is loaded with."""


class ModelNotFound(ModelError):
    """`name` is what was asked for, `searched` where it was looked for."""

    def __init__(self, name: str, searched: tuple[str, ...], hint: str = "") -> None:
        self.name, self.searched = name, searched
        where = "; ".join(searched)
        super().__init__(f"model {name!r} not found (looked in: {where})" + (f". {hint}" if hint else ""))


class ModelFileInvalid(ModelError):
    """`path` is the file, `reason` what is wrong with it and what to do."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class DownloadFailed(ModelError):
    """`source` is where from, `reason` what happened."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"download of {source} failed: {reason}")


class CopyFailed(ModelError):
    """`path` is what was to be imported or exported, `reason` what happened and what to do."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class ModelKillsProcess(ModelError):
    """`failed` has each way of running the model, with what went wrong."""

    def __init__(self, path: Path, failed: tuple[tuple[str, str], ...]) -> None:
        self.path, self.failed = path, failed
        tried = "; ".join(f"{name}: {fault}" for name, fault in failed)
        super().__init__(
            f"{path.name} cannot be run on this machine: {tried}. Take another model file, or another build of llama.cpp "
            "(`engine doctor` shows this one)"
        )


class NotEnoughMemory(ModelError):
    """`needed` and `available` are in bytes."""

    def __init__(self, needed: int, available: int, hint: str) -> None:
        self.needed, self.available = needed, available
        super().__init__(f"about {needed / 2**20:.0f} MiB needed, {available / 2**20:.0f} MiB available. {hint}")


class PromptError(EngineError):
    """A prompt that cannot be built."""


class ChatFormatUnknown(PromptError):
    """The model file has no chat template and none is named for it."""

    def __init__(self, model: str, known: Iterable[str] = ()) -> None:
        self.model = model
        super().__init__(
            f"{model}: the file carries no chat template, and none that is known came with it; name one with --chat-format "
            f"NAME|FILE.jinja (in Python: ModelSettings(chat_format=…)) or in models.txt. Names: {', '.join(known)}"
        )


class MessageLost(PromptError):
    """`template` names what left the text out; `index` (from 0) and `role` say which message it was in."""

    def __init__(self, template: str, index: int, role: str) -> None:
        self.template, self.index, self.role = template, index, role
        super().__init__(
            f"{template} leaves out text of message {index} (role {role!r}), so the model would not see it; "
            "put it into a user's message, or name another template (chat_format, --chat-format)"
        )


class TextUnreadable(PromptError):
    """`source` is where the document should have come from, `reason` why it does not."""

    def __init__(self, source: str, reason: str) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"{source}: {reason}")


class NotDecodable(PromptError):
    """`encoding` is how the bytes were read, `location` the first byte that does not fit, `likely` what they look like."""

    def __init__(self, encoding: str, location: int, likely: str | None) -> None:
        self.encoding, self.location, self.likely = encoding, location, None if likely == encoding else likely
        super().__init__(f"not {encoding.upper()} at byte {location}{self.advice}")

    @property
    def advice(self) -> str:
        return f"; it looks like {self.likely}, which --encoding {self.likely} reads" if self.likely else ""


class TextEmpty(PromptError):
    """The document has no text, and at least one object is required."""

    def __init__(self, document: int) -> None:
        self.document = document
        super().__init__(
            f"document {document} is empty, but at least one object is required; leave it out, or ask for a list"
        )


class NotInText(PromptError):
    """A document that says nothing of what has to be extracted from it: `paths` are places of the schema that stay empty."""

    def __init__(self, document: int, paths: tuple[str, ...]) -> None:
        self.document, self.paths = document, paths
        super().__init__(
            f"document {document}: nothing in its text fits {listed(paths)}, which must be there; let the field be null, "
            "or take grounded='prefer'"
        )


class TextTooLong(PromptError):
    """All counts are in tokens of the model: `fits` is what remains for the prompt after `max_tokens` and `reserve`."""

    def __init__(self, document: int, prompt_tokens: int, fits: int, n_ctx: int, max_tokens: int, reserve: int) -> None:
        self.document, self.prompt_tokens, self.fits, self.n_ctx = document, prompt_tokens, fits, n_ctx
        self.max_tokens, self.reserve = max_tokens, reserve
        needed = prompt_tokens + max_tokens + reserve
        lower = n_ctx - prompt_tokens - reserve
        cures = [f"raise n_ctx to {needed}"]
        if lower >= 1:
            cures.append(f"lower max_tokens to {lower}")
        if fits >= 1:
            cures.append(f"cut the text by {prompt_tokens - fits} tokens")
        super().__init__(
            f"document {document}: {prompt_tokens} tokens of prompt, {max_tokens} of output (max_tokens) and {reserve} in "
            f"reserve make {needed}, but n_ctx={n_ctx}; {', or '.join(cures)}"
        )


class DecodingError(EngineError):
    """A generation that cannot go on."""


class TokenRejected(DecodingError):
    """`token` is not allowed here; the matcher is as it was."""

    def __init__(self, token: int, text: bytes) -> None:
        self.token, self.text = token, text
        super().__init__(f"token {token} ({text!r}) is not allowed here")


class DeadEnd(DecodingError):
    """No token leads on from `output`; `reason` names the guard or the vocabulary's gap."""

    def __init__(self, document: int, output: bytes, reason: str) -> None:
        self.document, self.output, self.reason = document, output, reason
        tail = output[-60:].decode(errors="replace")
        super().__init__(f"document {document}: no token leads on after {tail!r}: {reason}")


class GuardUnsatisfied(DeadEnd):
    """`guard` at `path` of the schema said `message` of the last try; `passes` counts the tokens chosen by the model
    that were thrown away, `output` was the last try.
    """

    def __init__(self, document: int, output: bytes, guard: str, path: str, message: str, passes: int) -> None:
        self.guard, self.path, self.message, self.passes = guard, path, message, passes
        super().__init__(document, output, f"{guard} at {path}: {message}")
        text = (
            f"document {document}: no output was found that passes {self.reason} (the last try; {passes} wasted passes)"
        )
        self.args = (f"{text}. Express the rule in the type where possible, or raise max_backtracks",)


class BudgetTooSmall(DecodingError):
    """`needed` is the number of tokens of the shortest output."""

    def __init__(self, document: int, max_tokens: int, needed: int) -> None:
        self.document, self.max_tokens, self.needed = document, max_tokens, needed
        super().__init__(f"document {document}: max_tokens={max_tokens}, the shortest output needs {needed}")


class BudgetReached(DecodingError):
    """`cut` has the JSON pointers of what `max_tokens`, `max_value_tokens` or the end of a loop changed."""

    def __init__(self, document: int, cut: tuple[str, ...], *, cause: str = "max_tokens") -> None:
        self.document, self.cut = document, cut
        super().__init__(
            f"document {document}: {cause} changed {listed(cut)}; raise max_tokens, or set on_budget to 'mark' or 'omit'"
        )


class TextsEmptied(BudgetReached):
    """`cut` has the JSON pointers of texts that are empty only because `max_tokens` left no room for them."""

    def __init__(self, document: int, cut: tuple[str, ...]) -> None:
        super().__init__(document, cut)
        text = f"document {document}: max_tokens left no room for {listed(cut)}, which would be empty; raise max_tokens"
        self.args = (f"{text}, or set on_budget to 'keep' (give the object as it is) or 'omit'",)


class Cancelled(DecodingError):
    """Nobody waits for this document any more."""

    def __init__(self, document: int) -> None:
        super().__init__(f"document {document}: cancelled")


def listed(cut: tuple[str, ...]) -> str:
    """The first of the JSON pointers of what is cut, for a message."""
    shown = ", ".join(path or "the output itself" for path in cut[:_CUT_SHOWN])
    return shown if len(cut) <= _CUT_SHOWN else f"{shown} and {len(cut) - _CUT_SHOWN} more"


class BackendFailed(DecodingError):
    """`call` is the llama.cpp function, `detail` what it answered."""

    def __init__(self, call: str, detail: str) -> None:
        self.call, self.detail = call, detail
        super().__init__(f"llama.cpp: {call}: {detail}")


class ValidatorFailed(DecodingError):
    """The validator at `path` raised `detail` on `text`; a refusal is a ValueError or an AssertionError."""

    def __init__(self, path: str, text: bytes, detail: str) -> None:
        self.path, self.text, self.detail = path or "/", text, detail
        super().__init__(f"the validator at {self.path} failed on {text[:200]!r}: {detail}")


class UnsoundOutput(DecodingError):
    """`text` was decoded under the grammar of `type_name` and does not validate: a defect, please report it."""

    def __init__(self, type_name: str, text: bytes, detail: str) -> None:
        self.type_name, self.text, self.detail = type_name, text, detail
        super().__init__(f"the grammar of {type_name} let through {text!r}, which does not validate: {detail}")


class DocumentError(EngineError):
    """A document of a batch job that ends in a record of an error; the job goes on."""


class EmptyDocument(DocumentError):
    """A document without text has no objects: in a batch job that is an error, in an extraction of a text it is not."""

    def __init__(self) -> None:
        super().__init__("the document is empty")


class NotAText(DocumentError):
    """`reason` says what the document is instead."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the document is not valid text: {reason}")


class DocumentTimedOut(DocumentError):
    """`limit` is in seconds."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        super().__init__(f"not done within {limit:g} s; the time limit is --document-timeout")


class WorkerDied(DocumentError):
    """`how` are the two ends of the worker processes that decoded the document, the second time alone."""

    def __init__(self, how: tuple[str, ...]) -> None:
        self.how = how
        super().__init__(f"the worker process died twice while it decoded this document: {', then '.join(how)}")


class JobError(EngineError):
    """A batch job that cannot start or go on; what is in its output is safe."""


class InputInvalid(JobError):
    """`location` is where in the input, as in `notes.jsonl, line 17`."""

    def __init__(self, location: str, reason: str) -> None:
        self.location, self.reason = location, reason
        super().__init__(f"{location}: {reason}")


class InputChanged(JobError):
    """`source` is the input, `difference` what is not as it was."""

    def __init__(self, source: str, difference: str) -> None:
        self.source, self.difference = source, difference
        super().__init__(
            f"{source} has changed since the job began: {difference}. Restore the input, "
            "choose another output, or start over with --restart"
        )


class JobDiffers(JobError):
    """`differences` has for each argument its name, what it was when the job began, and what it is now."""

    def __init__(self, output: Path, differences: tuple[tuple[str, str, str], ...]) -> None:
        self.output, self.differences = output, differences
        lines = "".join(f"\n    {name}: {then} then, {now} now" for name, then, now in differences)
        super().__init__(
            f"{output} was begun with other arguments:{lines}\n"
            "Use the same arguments, choose another output, or start over with --restart"
        )


class OutputHeld(JobError):
    """`holder` says which process writes the output now."""

    def __init__(self, output: Path, holder: str) -> None:
        self.output, self.holder = output, holder
        super().__init__(f"{output} is being written by {holder}; wait for it or end it")


class OutputFailed(JobError):
    """`reason` is the system's; `documents` are safe in the output, None where it is another file that cannot be written."""

    def __init__(self, path: Path, reason: str, documents: int | None = None) -> None:
        self.path, self.reason, self.documents = path, reason, documents
        safe = "what is in the output is" if documents is None else f"{documents} documents in it are"
        super().__init__(
            f"{path}: cannot be written: {reason}. When it can be, start the same command again; {safe} safe"
        )


class OutputDamaged(JobError):
    """`line` counts from 1; None where it is the whole file."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        where = f"{path}, line {line}" if line is not None else str(path)
        super().__init__(f"{where}: {reason}. Restore the file, choose another output, or start over with --restart")


class WorkersFailed(JobError):
    """`reason` is what the worker said, or how it ended."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"a worker process could not start: {reason}")


class OutputRefused(EngineError):
    """`reason` is the system's."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"standard output cannot be written to: {reason}")


class ExtractionFailed(EngineError):
    """`errors` has the error of each document that failed, by the document's index."""

    def __init__(self, errors: dict[int, EngineError]) -> None:
        self.errors = errors
        first = "; ".join(str(error) for error in list(errors.values())[:3])
        super().__init__(f"{len(errors)} documents failed: {first}{' …' if len(errors) > 3 else ''}")


class BuildFailed(EngineError):
    """`reason` is what went wrong while a single file was built; nothing is left under its name."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the file was not built: {reason}")


class UsageError(EngineError):
    """An argument that is not valid; the text says what was expected."""


class WrongArgument(UsageError):
    """`argument` is its name, `allowed` says what it may be."""

    def __init__(self, argument: str, value: object, allowed: str) -> None:
        self.argument, self.value, self.allowed = argument, value, allowed
        shown = _SHORT.repr(value)
        kind = "" if value is None or isinstance(value, str | int | float) else f" (of type {type(value).__name__})"
        super().__init__(f"{argument} must be {allowed}, not {shown}{kind}")


class EncodingUnknown(UsageError):
    """`name` is that of no encoding, or of one that is not for texts."""

    def __init__(self, name: str) -> None:
        self.name = name
        close = difflib.get_close_matches(name.lower().replace("_", "-"), _ENCODINGS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"{', '.join(_ENCODINGS[:6])} … are, and auto"
        super().__init__(f"{name!r} is not the name of an encoding; {hint}")


class ExampleInvalid(UsageError):
    """`index` counts the examples from 0, `path` is a JSON pointer into the answer."""

    def __init__(self, index: int, path: str, reason: str) -> None:
        self.index, self.path, self.reason = index, path, reason
        super().__init__(f"example {index}: the answer at {path or '/'}: {reason}")
