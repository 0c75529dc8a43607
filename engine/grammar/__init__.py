"""Schema → Grammar, rules as data; Grammar ↔ GBNF text. Knows nothing of tokens or llama.cpp."""
