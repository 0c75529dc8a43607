"""Grammars, rules as data; Grammar ↔ GBNF text; passes over rules. Knows nothing of schemas, tokens or llama.cpp."""
