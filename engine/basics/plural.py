"""Plural: how many there are of something, in words."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """`1 document`, `2 documents`; for nouns that take an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
