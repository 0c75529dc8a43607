"""Random patterns of each dialect, and short texts over the few characters that they speak of.

`patterns(dialect)` draws what all three dialects have in common and what is the dialect's own: anchors anywhere,
groups, flags, classes, counts. `TEXTS` are short, with newlines, and with letters whose other cases are unusual.
"""

from __future__ import annotations

from hypothesis import strategies as st

ANCHORS = {
    "ecma": ["^", "$", r"\b", r"\B"],
    "python": ["^", "$", r"\b", r"\B", r"\A", r"\Z"],
    "rust": ["^", "$", r"\b", r"\B", r"\A", r"\z", r"\b{start}", r"\b{end}", r"\b{start-half}", r"\b{end-half}"],
}
GROUPS = {
    "ecma": ["(", "(?:", "(?<n>"],
    "python": ["(", "(?:", "(?i:", "(?m:", "(?s:", "(?-i:", "(?a:", "(?x: ", "(?sm-i:"],
    "rust": ["(", "(?:", "(?i:", "(?m:", "(?s:", "(?-i:", "(?U:", "(?x: ", "(?sm-i:", "((?i)"],
}
CLASSES = {
    "ecma": [r"[\w-]", "[^]", "[]", r"[\d_-é]", "]", "{", "}"],
    "python": [r"[\w-]", "[]a]", "[^]a]", r"[\sa-]", "]", "{", "}", "{,}"],
    "rust": [
        r"[\w--a]",
        "[a-c&&[^b]]",
        "[a-c~~b1]",
        "[]a]",
        "[[:alpha:]_]",
        "[[:^space:]]",
        r"\p{Lu}",
        r"\PL",
        "]",
        "}",
    ],
}
PIECES = [
    "a",
    "b",
    "A",
    "_",
    " ",
    "1",
    "é",
    "ß",
    "ſ",
    "K",
    r"\d",
    r"\w",
    r"\s",
    r"\D",
    r"\W",
    r"\S",
    ".",
    "[ab]",
    "[^a]",
]
PIECES += ["[a-cA]", r"[^\n\d]", r"\n", r"\x41", r"\u00e9", r"\-", r"\."]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{2,}", "{0,1}", "{0}", "{3,4}", "*?", "+?", "{1,3}?"]
TEXTS = st.text(st.sampled_from("aabcA_ 1\n-éßẞſkK\u2028İ"), max_size=6)


def _repeated(piece: st.SearchStrategy[str], anchors: list[str]) -> st.SearchStrategy[str]:
    def with_quantifier(pair: tuple[str, str]) -> str:
        body, quantifier = pair
        return f"(?:{body}){quantifier}" if body in anchors else body + quantifier

    return st.tuples(piece, st.sampled_from(QUANTIFIERS)).map(with_quantifier)


def patterns(dialect: str) -> st.SearchStrategy[str]:
    """Patterns of a dialect, some of which it has reasons to refuse."""
    anchors = ANCHORS[dialect]
    groups = st.sampled_from(GROUPS[dialect])
    leaves = st.one_of(st.sampled_from(PIECES), st.sampled_from(CLASSES[dialect]), st.sampled_from(anchors))

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        grouped = st.tuples(groups, inner).map(lambda pair: f"{pair[0]}{pair[1]})")
        one = st.one_of(leaves, grouped)
        sequence = st.lists(st.one_of(one, _repeated(one, anchors)), max_size=4).map("".join)
        return st.lists(sequence, min_size=1, max_size=3).map("|".join)

    return st.recursive(leaves, larger, max_leaves=12)
