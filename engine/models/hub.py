"""Files of a model hub, by way of `huggingface_hub`: its shared cache, its logins and its `HF_*` variables.

In: a repository and the name of a file in it. Out: the file in the cache of the hub's own tools, where it may have been before,
and the sha256 that the hub has published for it. A connection that breaks is picked up where it broke, now or later. Every
error becomes `DownloadFailed` with what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import DownloadFailed
from engine.models.environment import hub_endpoint, offline, require_network
from engine.models.model_source import SHA256
from engine.models.progress import Progress, stage

if TYPE_CHECKING:
    from types import TracebackType

_LOGIN = "log in with `hf auth login`, or set HF_TOKEN"


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on this disk, and the sha256 that the hub published for it, if it did."""

    path: Path
    sha256: str | None


def fetch_hub_file(repository: str, file: str, *, progress: Progress, anew: bool = False) -> HubFile:
    """The file, fetched where the cache has it not; `anew` fetches it all the same. Offline only the cache is looked at."""
    from huggingface_hub import hf_hub_download  # 0.2 s, and only for a download

    with _told(repository, file):
        found = hf_hub_download(
            repository,
            file,
            endpoint=hub_endpoint(),
            force_download=anew,
            local_files_only=offline(),
            library_name="engine",
            tqdm_class=_bar(progress, file),
        )
    assert isinstance(found, str)
    blob = Path(found).resolve()  # what has a checksum is kept under it
    return HubFile(blob, blob.name if SHA256.fullmatch(blob.name) else None)


def list_hub_files(repository: str) -> tuple[str, ...]:
    """The names of the GGUF files of a repository, sorted."""
    require_network(f"{hub_endpoint()}/{repository}", "name a FILE.gguf that is on this disk")
    from huggingface_hub import HfApi

    with _told(repository, ""):
        names = HfApi(endpoint=hub_endpoint(), library_name="engine").list_repo_files(repository)
    return tuple(sorted(name for name in names if name.endswith(".gguf")))


@contextmanager
def _told(repository: str, file: str) -> Iterator[None]:
    from huggingface_hub import errors

    where = f"{hub_endpoint()}/{repository}" + (f"/{file}" if file else "")
    try:
        yield
    except errors.GatedRepoError as error:
        raise DownloadFailed(where, f"its owner asks for an agreement; accept it on that page and {_LOGIN}") from error
    except errors.RepositoryNotFoundError as error:
        raise DownloadFailed(where, f"there is no such repository, or it is private; then {_LOGIN}") from error
    except errors.RemoteEntryNotFoundError as error:
        raise DownloadFailed(where, "the repository has no such file") from error
    except errors.LocalEntryNotFoundError as error:
        if offline() or _hub_is_offline():
            why = "offline: --offline was given, or ENGINE_OFFLINE or HF_HUB_OFFLINE is set"
            raise DownloadFailed(where, f"{why}, and the file is not in the hub's cache on this disk") from error
        raise DownloadFailed(where, _innermost(error)) from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadFailed(where, "offline: HF_HUB_OFFLINE is set") from error
    except errors.HFValidationError as error:
        raise DownloadFailed(where, str(error)) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        said = f"the server answers {status}" if status else str(error)
        raise DownloadFailed(where, f"{said}; {_LOGIN}" if status in (401, 403) else said) from error
    except (errors.FileMetadataError, errors.HTTPError, OSError) as error:  # type: ignore[attr-defined]
        raise DownloadFailed(where, f"{_innermost(error)}; what has arrived is kept for the next attempt") from error


def _hub_is_offline() -> bool:
    from huggingface_hub import is_offline_mode

    return bool(is_offline_mode())


def _innermost(error: BaseException) -> str:
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _bar(progress: Progress, file: str) -> Any:
    """The class of progress bars that `huggingface_hub` fills, which tells `progress`."""

    class Bar:
        def __init__(self, *_: object, total: int | None = None, initial: int = 0, **__: object) -> None:
            self._stage = stage(progress, f"fetching {file} from {hub_endpoint().partition('://')[2]}", total)
            self._initial = initial

        def __enter__(self) -> Bar:
            self._stage.__enter__()
            progress.advance(self._initial)
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> None:
            self._stage.__exit__(kind, error, trace)

        def update(self, count: float = 1) -> None:
            progress.advance(int(count))

        def close(self) -> None: ...

        def set_description(self, *_: object, **__: object) -> None: ...

        def refresh(self, *_: object, **__: object) -> None: ...

    return Bar
