"""The models hub over its own client: which GGUF files a repository has, and bytes of them by range.

Importing this module loads huggingface_hub, which takes a tenth of a second: it is imported where it is needed.
`HF_ENDPOINT`, `HF_TOKEN` and `HF_HOME` are honoured; with `ALCOVE_OFFLINE` nothing is asked.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import httpx2
from huggingface_hub import HfApi, get_session, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # it re-exports them without saying so
    build_hf_headers,
    hf_raise_for_status,
)

from app.errors import AppError
from app.models.offline import is_offline

USUAL = ("Q4_K_M", "Q4_K_XL", "MXFP4", "Q4_0", "Q5_K_M", "Q6_K", "Q8_0")
"""Quantizations that are taken where nobody named one, best first."""
_TIMEOUT_S = 20.0
_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
_NO_MODEL = ("mmproj", "imatrix", "mtp-")


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository at one revision."""

    repo: str
    revision: str
    name: str
    size: int
    key: str
    """What its bytes are known by: the SHA-256 for large files."""


@dataclass
class Hub:
    """`endpoint` empty: the client's own, or that of `HF_ENDPOINT`."""

    endpoint: str = field(default_factory=lambda: os.environ.get("HF_ENDPOINT", ""))

    def files(self, repo: str, quantization: str = "") -> tuple[RemoteFile, ...]:
        """The file of a quantization, or its parts in order; without one named the most usual there is.

        Raises AppError: "offline", "hub_unreachable", "repo_not_found", "repo_gated" or "quantization_not_found".
        """
        with _told(repo):
            info = HfApi(endpoint=self.endpoint or None).model_info(repo, files_metadata=True, timeout=_TIMEOUT_S)
        found = [
            RemoteFile(
                repo=repo,
                revision=info.sha or "main",
                name=each.rfilename,
                size=each.size or 0,
                key=each.lfs.sha256 if each.lfs else each.blob_id or "",
            )
            for each in info.siblings or ()
            if each.rfilename.lower().endswith(".gguf")
        ]
        return chosen(found, repo, quantization)

    def read(self, file: RemoteFile, start: int, size: int) -> bytes:
        """Up to `size` bytes of it from `start` on. Raises AppError: as `files`."""
        url = hf_hub_url(file.repo, file.name, revision=file.revision, endpoint=self.endpoint or None)
        headers = build_hf_headers() | {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}
        with (
            _told(file.repo),
            get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=True) as response,
        ):
            hf_raise_for_status(response)
            if response.status_code != httpx2.codes.PARTIAL_CONTENT and start:
                raise AppError("hub_unreachable", hub=self.endpoint or "huggingface.co", reason="no_ranges")
            return _first(response.iter_raw(), size)


@dataclass
class RemoteSource:
    """A remote file as a source of header bytes; counts what it fetches."""

    hub: Hub
    file: RemoteFile
    fetched: int = 0

    @property
    def size(self) -> int | None:
        return self.file.size or None

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` on. Raises AppError as `Hub.read`."""
        size = min(size, self.file.size - start) if self.file.size else size
        found = self.hub.read(self.file, start, size) if size > 0 else b""
        self.fetched += len(found)
        return found


def chosen(files: Sequence[RemoteFile], repo: str, quantization: str) -> tuple[RemoteFile, ...]:
    """Of all GGUF files of a repository those that make up the model in that quantization.

    Raises AppError("quantization_not_found") with those there are.
    """
    models = [file for file in files if not _base(file).lower().startswith(_NO_MODEL)]
    wanted = quantization or next((each for each in USUAL if any(_is(file, each) for file in models)), "")
    found = sorted((file for file in models if _is(file, wanted)), key=lambda file: (len(_stem(file)), file.name))
    if not found:
        there = ", ".join(sorted({_stem(file) for file in models})[:20])
        raise AppError("quantization_not_found", repo=repo, quantization=quantization, there=there)
    first = found[0]
    parts = [file for file in found if _PART.search(file.name) and _stem(file) == _stem(first)]
    return tuple(parts) if _PART.search(first.name) else (first,)


def _is(file: RemoteFile, quantization: str) -> bool:
    """Whether the file's name ends in that quantization, or is the name itself; "" fits every one."""
    wanted, stem = quantization.casefold(), _stem(file).casefold()
    if not wanted or wanted in (file.name.casefold(), stem):
        return True
    return bool(re.search(rf"(?:^|[-._/]){re.escape(wanted)}$", stem))


def _base(file: RemoteFile) -> str:
    return file.name.rpartition("/")[2]


def _stem(file: RemoteFile) -> str:
    """The name without the number of the part and the ending."""
    return re.sub(r"\.gguf$", "", _PART.sub("", _base(file)), flags=re.IGNORECASE)


def _first(chunks: Iterator[bytes], size: int) -> bytes:
    """The first bytes of a stream; a server without ranges would send all of the file."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) >= size:
            break
    return bytes(found[:size])


class _told:  # noqa: N801 (reads as a verb where it is used)
    """Turns what the hub's client raises into what a person is told."""

    def __init__(self, repo: str) -> None:
        self._repo = repo

    def __enter__(self) -> None:
        if is_offline():
            raise AppError("offline")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, GatedRepoError):
            raise AppError("repo_gated", repo=self._repo) from error
        if isinstance(error, RepositoryNotFoundError | HFValidationError):
            raise AppError("repo_not_found", repo=self._repo) from error
        if isinstance(error, HfHubHTTPError | httpx2.HTTPError | OSError):
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise AppError(
                "hub_unreachable", hub=os.environ.get("HF_ENDPOINT", "huggingface.co"), reason=reason
            ) from error
