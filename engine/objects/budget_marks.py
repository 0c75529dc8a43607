"""Budget marks: which values of an output the budget changed.

Takes an output and the bytes at which the budget refused what the model would have chosen. A value that was open there, or was
written later, might have been another one with more tokens: so every scalar and every empty container that closes behind the
first of these bytes is cut. Where the budget took a member or an item away, the container is. A value that is not cut is what
a larger budget gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.automaton.tracker import Tracker

ValuePath = tuple[str | int, ...]


def cut_paths(output: bytes, cuts: Sequence[int]) -> tuple[ValuePath, ...]:
    """The paths of the cut values, in the order of the text; `cuts` are the bytes, ascending."""
    if not cuts:
        return ()
    tracker = Tracker().feed(output[: cuts[0]])
    places = set(cuts)
    found: dict[ValuePath, None] = {}
    for offset in range(cuts[0], len(output)):
        if offset in places and (container := _changed_container(tracker)) is not None:
            found[container] = None
        after = tracker.feed(output[offset : offset + 1])
        found.update(dict.fromkeys(_closed(tracker, after)))
        tracker = after
    if tracker.in_scalar:
        found[tracker.path] = None
    return tuple(found)


def emptied_paths(output: bytes, cuts: Sequence[int]) -> tuple[ValuePath, ...]:
    """The paths of texts that the budget closed before they began; `cuts` are the bytes, ascending."""
    if not cuts:
        return ()
    tracker, since = Tracker().feed(output[: cuts[0]]), cuts[0]
    found: list[ValuePath] = []
    for offset in range(cuts[0], len(output)):
        after = tracker.feed(output[offset : offset + 1])
        if after.closed != tracker.closed and not (after.container is not None and after.container.at_key):
            start, end = after.closed
            if output[start:end] == b'""' and any(since <= cut < end for cut in cuts):
                found.append(after.path)
            since = end
        tracker = after
    return tuple(found)


def _changed_container(tracker: Tracker) -> ValuePath | None:
    """The container in which an item or a member was chosen, None where a value was, or a part of it."""
    last = _last_byte(tracker)
    if tracker.container is None or tracker.in_scalar or tracker.in_string or last == b":":
        return None
    if not tracker.container.is_object:
        return None if last == b"," else tracker.path[:-1]
    return tracker.path if tracker.container.at_key or not tracker.container.keys else tracker.path[:-1]


def _closed(before: Tracker, after: Tracker) -> Iterator[ValuePath]:
    """The scalar or the empty container that closes with a byte."""
    if before.in_scalar and not after.in_scalar:
        yield before.path
    if after.closed == before.closed or after.closed[1] != after.end:  # a number closes with the byte behind it
        return
    is_key = after.container is not None and after.container.at_key
    if not is_key and (before.in_string or _is_empty(before)):
        yield after.path


def _is_empty(inside: Tracker) -> bool:
    """Whether the container that is open here has neither items nor members."""
    here = inside.container
    return (
        not inside.in_scalar
        and here is not None
        and not here.keys
        and here.index == 0
        and inside.closed[1] <= here.start
    )


def _last_byte(tracker: Tracker) -> bytes:
    """The last byte that is no white space."""
    for end in range(tracker.end, 0, -1):
        byte = tracker.text.part(end - 1, end)
        if byte not in (b" ", b"\t", b"\r", b"\n"):
            return byte
    return b""
