"""Labelled documents and what came out for them → figures. Knows nothing of models and of decoding."""
