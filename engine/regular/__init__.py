"""Regular languages over Unicode text: character sets, expressions with derivatives, patterns read from their dialects.

Knows nothing of JSON, grammars or tokens. The schema reader asks it which keys a pattern matches, the grammar prints its
expressions, the automaton runs them.
"""
