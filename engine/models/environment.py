"""Where model files live, and the variables that say so.

ENGINE_MODEL          the model that is used where none is named
ENGINE_CACHE_DIR      the folder of everything that is kept between runs
ENGINE_MODELS_DIR     the folder of downloaded models
ENGINE_PROBE          off uses a model without having tried it on this machine (see engine.decoding.plan_choice)
ENGINE_OFFLINE        anything but empty, 0, false, no and off refuses every use of the network
ENGINE_HF_ENDPOINT    the hub's address (HF_ENDPOINT is read after it)
OLLAMA_MODELS         Ollama's store

All are read at each call, so a change takes effect at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs

from engine.errors import DownloadFailed, UsageError

DEFAULT_MODEL = "smollm2-135m-instruct"
DEFAULT_HUB = "https://huggingface.co"


def default_model() -> str:
    """The name of the model that is taken where none is given."""
    return named_model() or DEFAULT_MODEL


def named_model() -> str | None:
    """The model that the user has named for all runs."""
    return os.environ.get("ENGINE_MODEL") or None


def cache_folder() -> Path:
    """Where whatever can be made again is kept."""
    chosen = os.environ.get("ENGINE_CACHE_DIR")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("engine"))


def models_folder() -> Path:
    """Where downloaded models are kept."""
    chosen = os.environ.get("ENGINE_MODELS_DIR")
    return Path(chosen).expanduser().absolute() if chosen else cache_folder() / "models"


def user_models_file() -> Path:
    """The user's own `models.txt`; it need not exist."""
    return Path(platformdirs.user_config_dir("engine")) / "models.txt"


def offline() -> bool:
    """Whether the user wants nothing to be fetched."""
    return os.environ.get("ENGINE_OFFLINE", "").strip().lower() not in ("", "0", "false", "no", "off")


def require_network(source: str, remedy: str = "") -> None:
    """Refuse to fetch from `model_source` where the user wants to stay offline."""
    if offline():
        why = "offline: --offline was given or ENGINE_OFFLINE is set"
        raise DownloadFailed(source, f"{why}; {remedy}" if remedy else why)


def hub_endpoint() -> str:
    """The hub's address without a slash at its end; `UsageError` where it is not one."""
    endpoint = os.environ.get("ENGINE_HF_ENDPOINT") or os.environ.get("HF_ENDPOINT") or DEFAULT_HUB
    if not endpoint.startswith(("https://", "http://")):
        raise UsageError(f"the hub's address must start with https:// or http://, not {endpoint!r}")
    return endpoint.rstrip("/")


def ollama_stores() -> tuple[Path, ...]:
    """The folders that are searched, in order.

    Ollama's own default is the home folder of whoever runs the server; the Linux installer makes a user for it.
    """
    chosen = os.environ.get("OLLAMA_MODELS")
    if chosen:
        return (Path(chosen).expanduser().absolute(),)
    stores = [Path.home() / ".ollama" / "models"]
    if sys.platform.startswith("linux"):
        stores.append(Path("/usr/share/ollama/.ollama/models"))
    return tuple(stores)
