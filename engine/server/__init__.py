"""Server: the protocols of OpenAI and of Ollama, and the engine's own, over models that live in processes of their own."""
