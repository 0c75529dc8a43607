"""Which installed packages belong into a runtime, and which only happen to be installed.

In: names of distributions. Out: they and what they require, and the modules of all others. Libraries import what they
can use when it is there (a highlighter an image library, say), and a tool that follows import statements would carry
all of it along; a machine on which the optional package is absent behaves the same.
"""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# What the engine requires but for pip and huggingface_hub, which only fetch.
ROOTS = (
    "llama-cpp-python", "pydantic", "jsonschema", "referencing", "numpy", "idna", "jsonschema-specifications", "jinja2",
    "charset-normalizer", "regex", "typer", "rich", "filelock", "platformdirs",
)  # fmt: skip


def required(names: Iterable[str]) -> frozenset[str]:
    """These distributions and all that they require here, by their normalised names; those absent are left out."""
    found: set[str] = set()
    visited: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(name) for name in names]
    while waiting:
        requirement = waiting.pop()
        name, extras = str(canonicalize_name(requirement.name)), frozenset(requirement.extras)
        if (name, extras) in visited:
            continue
        visited.add((name, extras))
        try:
            wanted = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting.extend(filter(functools.partial(_applies, extras or {""}), map(Requirement, wanted)))
    return frozenset(found)


def providers(modules: Iterable[str]) -> frozenset[str]:
    """The distributions that these modules come from."""
    owners = _owners()
    return frozenset(owner for module in modules for owner in owners.get(module.partition(".")[0], ()))


def modules_of_others(kept: frozenset[str]) -> list[str]:
    """The top-level modules that come from none of these distributions."""
    return sorted(module for module, owners in _owners().items() if not kept & set(owners))


def _applies(extras: Iterable[str], requirement: Requirement) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


@functools.cache
def _owners() -> Mapping[str, Sequence[str]]:
    found = importlib.metadata.packages_distributions()
    return {module: [str(canonicalize_name(name)) for name in names] for module, names in found.items()}
