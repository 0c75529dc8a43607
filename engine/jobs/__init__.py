"""Batch jobs: very many documents, each exactly once in the output, whatever happens to the processes."""
