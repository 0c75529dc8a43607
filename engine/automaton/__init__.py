"""Grammar → byte automaton with a stack, determinised as inputs visit it. Knows nothing of tokens."""
