"""What a document states: recognisers read its text and give values with their exact spans.

Each recogniser is one file. They know nothing of tokens, of llama.cpp, or of Pydantic.
"""
