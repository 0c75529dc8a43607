"""Writes `engine/regular/unicode_table.py` from what Pydantic's own regex engine answers for every character.

    python tests/unicode_table_source.py > engine/regular/unicode_table.py

The engine is asked, not the Unicode files, so that the table is of exactly the version that Pydantic runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from pydantic_core import SchemaValidator, core_schema

CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()  # noqa: SIM905
CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabc"
CHARACTERS = tuple(chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF)

HEADER = '''"""Unicode general categories and simple case foldings, of the version that Pydantic's regex engine has.

Made by `tests/unicode_table_source.py`; do not edit. CATEGORIES runs over all code points: a letter for the
category (CODES names them) and for how many characters it holds, if not one; surrogates are left out. FOLDINGS holds
the classes of characters with one folding: `first-last+step/distance` for pairs, plain lists for the rest; all
hexadecimal.
"""

from __future__ import annotations

'''


def matching(pattern: str, characters: Iterable[str]) -> list[str]:
    """The characters that the pattern matches, says Pydantic."""
    accepts = SchemaValidator(core_schema.str_schema(pattern=f"^(?:{pattern})$")).isinstance_python
    return [character for character in characters if accepts(character)]


def categories() -> dict[str, str]:
    found: dict[str, str] = {}
    left = list(CHARACTERS)
    for name in sorted(CATEGORIES, key=("Cn", "Co", "Lo").__contains__, reverse=True):
        found.update(dict.fromkeys(matching(rf"\p{{{name}}}", left), name))
        left = [character for character in left if character not in found]
    assert not left
    return found


def foldings(category: dict[str, str]) -> list[list[int]]:
    """The classes of two and more characters that match each other case-insensitively."""
    cased = {c for c in CHARACTERS if category[c] in ("Lu", "Ll", "Lt", "Nl") or c in "\u0345" or "Ⓐ" <= c <= "ⓩ"}
    found = []
    while cased:
        same = matching(f"(?i){min(cased)}", cased)
        cased.difference_update(same)
        if len(same) > 1:
            found.append(sorted(map(ord, same)))
    return found


def runs(category: dict[str, str]) -> Iterator[str]:
    for name, group in groupby(CHARACTERS, category.__getitem__):
        length = sum(1 for _ in group)
        yield CODES[CATEGORIES.index(name)] + (str(length) if length > 1 else "")


def folding_items(classes: list[list[int]]) -> Iterator[str]:
    pairs = [c for c in classes if len(c) == 2]
    while pairs:
        run = [pairs.pop(0)]
        distance = run[0][1] - run[0][0]
        for step in (1, 2):
            while pairs and pairs[0] == [run[-1][0] + step, run[-1][1] + step]:
                run.append(pairs.pop(0))
            if len(run) > 1:
                break
        yield f"{run[0][0]:x}-{run[-1][0]:x}+{step}/{distance:x}"
    for others in classes:
        if len(others) > 2:
            yield ",".join(f"{c:x}" for c in others)


def wrapped(name: str, text: str, width: int = 112) -> str:
    lines = [f'    "{text[i : i + width]}"' for i in range(0, len(text), width)]
    return f"{name} = (\n" + "\n".join(lines) + "\n)\n"


def source() -> str:
    category = categories()
    codes = "".join(f'    "{code}": "{name}",\n' for code, name in zip(CODES, CATEGORIES, strict=True))
    return (
        HEADER
        + f"CODES = {{\n{codes}}}\n\n"
        + wrapped("CATEGORIES", "".join(runs(category)))
        + "\n"
        + wrapped("FOLDINGS", " ".join(folding_items(foldings(category))))
    )


if __name__ == "__main__":
    sys.stdout.write(source())
