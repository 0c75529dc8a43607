"""Member progress: which keys of an object may come next while it is written, and whether it may end.

A progress is (used, count): with ordered members `used` is the index of the first declared member that may still come, else
the bit set of those that came; `count` is the number of members so far, as far as the bounds can tell them apart. All
functions are pure. A member is offered only if the required ones still fit under the upper bound and the lower bound
stays within reach.
"""

from __future__ import annotations

from engine.grammar.grammar import Members

MemberProgress = tuple[int, int]

BEGIN: MemberProgress = (0, 0)


def may_end(members: Members, progress: MemberProgress) -> bool:
    """Whether the object may close here: enough members, and none that is required is left."""
    used, count = progress
    return count >= members.low and not _required(members, used)


def declared_names(members: Members, progress: MemberProgress) -> tuple[str, ...]:
    """The declared keys that may come next."""
    used, count = progress
    names: list[str] = []
    for index in _left(members, used):
        member = members.declared[index]
        after = _take(members, used, index)
        if _fits(members, after, count + 1):
            names += member.keys
        if members.ordered and member.required:
            break
    return tuple(names)


def may_add_other(members: Members, progress: MemberProgress) -> bool:
    """Whether a key that is not declared may come next."""
    used, count = progress
    if members.ordered and _required(members, used):
        return False
    return bool(members.others) and _fits(members, _end(members) if members.ordered else used, count + 1)


def after_declared(members: Members, progress: MemberProgress, name: str) -> tuple[int, MemberProgress]:
    """The index of the declared member with the key `name` and the progress after it."""
    used, count = progress
    index = next(i for i in _left(members, used) if name in members.declared[i].keys)
    return index, (_take(members, used, index), _saturate(members, count + 1))


def after_other(members: Members, progress: MemberProgress) -> MemberProgress:
    """The progress after a member of an undeclared key."""
    used, count = progress
    return (_end(members) if members.ordered else used, _saturate(members, count + 1))


def required_left(members: Members, progress: MemberProgress) -> list[int]:
    """Indices of the declared members that must still come."""
    return [i for i in _left(members, progress[0]) if members.declared[i].required]


def optional_left(members: Members, progress: MemberProgress) -> list[int]:
    """Indices of the declared members that may still come and need not."""
    return [i for i in _left(members, progress[0]) if not members.declared[i].required]


def _end(members: Members) -> int:
    return len(members.declared)


def _take(members: Members, used: int, index: int) -> int:
    return index + 1 if members.ordered else used | 1 << index


def _left(members: Members, used: int) -> list[int]:
    if members.ordered:
        return list(range(used, len(members.declared)))
    return [i for i in range(len(members.declared)) if not used >> i & 1]


def _required(members: Members, used: int) -> int:
    return sum(members.declared[i].required for i in _left(members, used))


def _fits(members: Members, used: int, count: int) -> bool:
    if members.high is not None and count + _required(members, used) > members.high:
        return False
    left = len(members.declared) - (used if members.ordered else used.bit_count())
    return bool(members.others) or count + left >= members.low


def _saturate(members: Members, count: int) -> int:
    """Counts beyond what the bounds tell apart are one."""
    return count if members.high is not None else min(count, max(members.low, 1))
