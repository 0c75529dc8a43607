"""Binds the stages: a type, a model and texts in, an iterator over objects out."""
