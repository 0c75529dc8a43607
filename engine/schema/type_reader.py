"""Type reader: a Pydantic model, or any type that TypeAdapter takes → Schema.

The core schema is written as JSON Schema with keywords of ours (engine.schema.core_reader) and then read like any other.
Whatever the type checks that neither the shapes nor a guard can say is refused with its path.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from typing import Any

from pydantic import PydanticUserError, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation
from pydantic_core import PydanticOmit
from pydantic_core import SchemaError as CoreSchemaError

from engine.errors import GrammarTooComplex, SchemaError, UnsupportedSchema
from engine.schema.location import SchemaDocument
from engine.schema.object_reader import ObjectReader
from engine.schema.reader import read_document
from engine.schema.schema import Json, Schema


def read_type(tp: Any, *, allow_unenforced: Collection[str] = (), context: Any = None) -> Schema:
    """The graph of a type. `context` is what its validators see as `info.context`.

    Raises UnsupportedSchema for what is not enforced, UnsatisfiableSchema when no JSON value is valid.
    """
    made = core_document(tp, context)
    return read_document(SchemaDocument(made, dynamic=False, trusted=True, allow_unenforced=allow_unenforced))


def core_document(tp: Any, context: Any = None) -> Json:
    """The JSON Schema, with keywords of ours, that a type comes to."""
    try:
        core = TypeAdapter(tp).core_schema
    except PydanticUndefinedAnnotation as error:
        raise SchemaError("", error.name or "", "this name is not defined where the type uses it") from None
    except PydanticUserError as error:
        raise UnsupportedSchema("", error.code or "", error.message) from None
    except CoreSchemaError as error:
        raise _unbuilt(error) from None
    reader = ObjectReader()
    reader.context = context
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it would warn of is refused or irrelevant to what is valid
        try:
            return reader.generate(core, "validation")
        except PydanticOmit:
            raise UnsupportedSchema("", "", "the type has no JSON value") from None
        except CoreSchemaError as error:
            raise _unbuilt(error) from None
        except RecursionError as error:
            raise GrammarTooComplex("the nesting of this type", 1000, "levels", path="") from error
        except PydanticInvalidForJsonSchema as error:
            raise UnsupportedSchema("", "", error.message) from None


def _unbuilt(error: CoreSchemaError) -> SchemaError:
    """Pydantic names the fields on the way and the reason, a line each."""
    said = str(error)
    path = "".join(f"/{name}" for name in re.findall(r'Field "([^"\n]*)"', said))
    reason = said.splitlines()[-1].removeprefix("  SchemaError: ").strip()
    return SchemaError(path, "", f"Pydantic can make no validator of it: {reason}")
