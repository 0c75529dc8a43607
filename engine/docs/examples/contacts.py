"""Contacts: people in a letter, with what it says of how to reach them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from engine import Verbatim, extract

LETTER = "Please call Ann Lee (ann.lee@example.org, 555-0101) or Bob Ruiz, bob@example.com, about the keys."

# Grounded, so each is a piece of the letter; the pattern says which pieces may be an address.
Mail = Annotated[str, Field(pattern=r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$")]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()-]{5,20}$")]


class Contact(BaseModel):
    name: Annotated[str, Verbatim(max_words=3), Field(description="first and last name")]
    mail: Mail | None
    phone: Phone | None


def main(letter: str) -> None:
    for contact in extract(letter, Contact, grounded=True, min_items=2, max_items=5):
        print(f"{contact.name:20} {contact.mail or '-':25} {contact.phone or '-'}")


if __name__ == "__main__":
    main(LETTER)
