"""Recursive types: an outline whose points have points. Bounds keep a small model from going down for ever."""

from __future__ import annotations

from pydantic import BaseModel, Field

from engine import extract_one

TEXT = """\
1 Food
1.1 Bread
1.2 Milk
2 Tools
"""


class Point(BaseModel):
    title: str = Field(max_length=20)
    points: list[Point] = Field(default=[], max_length=3)


class Outline(BaseModel):
    points: list[Point] = Field(max_length=4)


def show(points: list[Point], depth: int = 0) -> None:
    for point in points:
        print("  " * depth + point.title)
        show(point.points, depth + 1)


SOLVED = (
    "1 Trees\n1.1 Oak\n2 Birds\n2.1 Owl",
    Outline(
        points=[Point(title="Trees", points=[Point(title="Oak")]), Point(title="Birds", points=[Point(title="Owl")])]
    ),
)

if __name__ == "__main__":
    show(extract_one(TEXT, Outline, examples=[SOLVED], max_tokens=200).points)
