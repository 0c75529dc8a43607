"""Stats line: the figures at the end of a run."""

from __future__ import annotations

from engine.basics.plural import counted
from engine.extraction.extraction import Stats


def stats_line(stats: Stats) -> str:
    """`7 documents, 7 objects, 90 tokens (40 forced) in 61 passes, 70 tokens/s, first object after 0.31 s`."""
    parts = [
        counted(stats.documents, "document"),
        counted(stats.objects, "object"),
        f"{counted(stats.decoded_tokens, 'token')} ({stats.forced_tokens} forced) in {stats.forward_passes} passes",
        f"{stats.tokens_per_second:.1f} tokens/s",
    ]
    if stats.thought_tokens:
        parts.insert(3, f"{counted(stats.thought_tokens, 'token')} of thought")
    if stats.seconds_to_first_object is not None:
        parts.append(f"first object after {stats.seconds_to_first_object:.2f} s")
    return ", ".join(parts)


def stage_times(stats: Stats) -> str:
    """`load 0.41 s, prompt 0.02 s, …; plan: usual`: where the time went, and how llama.cpp is run."""
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stats.seconds.items())
    return f"{spent}; plan: {stats.plan}" if stats.plan else spent
