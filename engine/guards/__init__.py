"""Predicates on closed values. Knows nothing of tokens."""
