"""Byte stream → validated objects. Knows nothing of llama.cpp."""
