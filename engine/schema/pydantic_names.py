"""Functions of Pydantic's that no public name leads to, by the names that they have in its own code.

A core schema holds functions and not what they are for. Where the type or its class tells, the readers ask that; for what is left
they compare names, which any release of Pydantic may change. Then the type is refused instead of misread, and
`tests/schema/test_pydantic_names.py` says which name is gone.
"""

from __future__ import annotations

from typing import Any

DEFAULT_DICT = "defaultdict_validator"
ENUM_JSON_SCHEMA = "GenerateSchema._enum_schema.<locals>.get_json_schema"
FILE_PATH = "GenerateSchema._path_schema.<locals>.path_validator"
IMPORT_STRING = "import_string"
MAX_LENGTH = "max_length_validator"
MIN_LENGTH = "min_length_validator"
MULTI_HOST_URL = "_BaseMultiHostUrl.__get_pydantic_core_schema__.<locals>.wrap_val"
PATTERN_OF_ANY = "pattern_either_validator"
PATTERN_OF_BYTES = "pattern_bytes_validator"
PATTERN_OF_STR = "pattern_str_validator"
SECRET = "Secret.__get_pydantic_core_schema__.<locals>.<lambda>"
TIME_ZONE = "validate_str_is_valid_iana_tz"
URL = "_BaseUrl.__get_pydantic_core_schema__.<locals>.wrap_val"


def is_of_pydantic(function: Any) -> bool:
    """Whether it is a function of Pydantic's own code."""
    return (getattr(function, "__module__", None) or "").split(".")[0] == "pydantic"


def is_named(function: Any, *names: str) -> bool:
    """Whether it is one of these functions of Pydantic's."""
    return is_of_pydantic(function) and getattr(function, "__qualname__", "") in names
