"""Schema → Grammar, and the certificate: what enforces each constraint. Knows nothing of tokens or llama.cpp."""
