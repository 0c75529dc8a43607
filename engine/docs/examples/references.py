"""References: a bibliography line by line, taught by one solved line."""

from __future__ import annotations

from pydantic import BaseModel, Field

from engine import extract

LINES = [
    "Knuth, D. E. (1965). On the translation of languages from left to right. Information and Control, 8(6), 607-639.",
    "Tomita, M. (1985). An efficient context-free parsing algorithm for natural languages. IJCAI.",
]


class Reference(BaseModel):
    authors: list[str] = Field(min_length=1, max_length=4)
    year: int = Field(ge=1450, le=2100)
    title: str
    venue: str | None = Field(description="journal or conference")


SOLVED = (
    "Brzozowski, J. A. (1964). Derivatives of regular expressions. Journal of the ACM, 11(4), 481-494.",
    [
        Reference(
            authors=["Brzozowski, J. A."],
            year=1964,
            title="Derivatives of regular expressions",
            venue="Journal of the ACM",
        )
    ],
)


def main(lines: list[str]) -> None:
    for reference in extract(lines, Reference, examples=[SOLVED], min_items=1, max_items=1, grounded=True):
        print(f"{'; '.join(reference.authors)} ({reference.year}): {reference.title}. {reference.venue or ''}")


if __name__ == "__main__":
    main(LINES)
