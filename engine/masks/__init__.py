"""Vocabulary → trie; automaton state → the set of allowed tokens. Knows nothing of llama.cpp."""

from engine.masks.matcher import Matcher
from engine.masks.vocabulary import Vocabulary

__all__ = ["Matcher", "Vocabulary"]
