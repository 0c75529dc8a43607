"""A line of `models.txt`, a path, or a name in Ollama's store becomes a verified GGUF file.

Nothing here knows of schemas, grammars or llama.cpp. After the file is on the disk, no network is touched.
"""

from engine.models.catalogue import ModelLine, list_models
from engine.models.digest import sha256_of
from engine.models.import_export import export_model, import_model
from engine.models.progress import Progress
from engine.models.resolution import ModelFile, resolve, verify_model

__all__ = [
    "ModelFile",
    "ModelLine",
    "Progress",
    "export_model",
    "import_model",
    "list_models",
    "resolve",
    "sha256_of",
    "verify_model",
]
