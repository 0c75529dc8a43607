"""What every layer may use: replacing files, JSON pointers, a bounded cache, plurals. Knows nothing of the engine."""
