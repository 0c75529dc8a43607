"""CVs: objects inside of an object, with what may be missing said in the type."""

from __future__ import annotations

from pydantic import BaseModel, Field

from engine import extract_one

CV = """\
Mary Jones, born 1988
2015-2019 nurse, St. Mary's Hospital
since 2019 head nurse, City Clinic
Languages: English, Spanish
"""


class Post(BaseModel):
    """One line of a career."""

    role: str = Field(max_length=40)
    employer: str | None = Field(max_length=40)
    first_year: int = Field(ge=1950, le=2030)
    last_year: int | None = Field(ge=1950, le=2030, description="null where it goes on")


class Person(BaseModel):
    name: str = Field(max_length=40)
    born: int | None = Field(ge=1900, le=2020)
    posts: list[Post] = Field(max_length=4)
    languages: list[str] = Field(max_length=5)


def main(text: str) -> None:
    person = extract_one(text, Person, max_tokens=400)
    print(person.name, person.born, ", ".join(person.languages))
    for post in person.posts:
        print(f"    {post.first_year}-{post.last_year or ''} {post.role}, {post.employer}")


if __name__ == "__main__":
    main(CV)
