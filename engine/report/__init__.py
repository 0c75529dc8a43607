"""Report: results with their spans, as a page that shows where each value comes from.

Knows documents, objects and spans as plain data, and nothing of models. The page's own files are in `web/`.
"""
