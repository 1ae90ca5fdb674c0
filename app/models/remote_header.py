"""The header of a model on the hub, without the rest of its files; what was read once is kept by the files' hashes."""

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import AppError
from app.files import write_atomically
from app.hardware.gguf import Header, join_headers, parse_header
from app.hardware.gguf_hollow import hollow_header
from app.hardware.gguf_source import PrefixSource

if TYPE_CHECKING:
    from app.models.hub import Hub, RemoteFile

KEPT_BYTES = 64 * 1024**2
"""Of all headers that are kept; one takes some 100 kB without its vocabulary."""

_log = logging.getLogger(__name__)


class RemoteHeaders:
    """Reads headers by ranges and keeps them in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fetched = 0
        """Bytes of files that were fetched so far."""

    def read(self, hub: "Hub", repo: str, quantization: str = "") -> tuple[Header, int]:
        """The header of that model, all parts joined, and the bytes its files have.

        Raises AppError as `Hub.files` and `Hub.read` do, and "model_broken".
        """
        files = hub.files(repo, quantization)
        headers = [self._header(hub, file) for file in files]
        return join_headers(headers), sum(file.size for file in files)

    def _header(self, hub: "Hub", file: "RemoteFile") -> Header:
        from app.models.hub import RemoteSource  # noqa: PLC0415 (the hub's client is heavy)

        place = self._folder / f"{hashlib.sha256(file.key.encode()).hexdigest()}.gguf"
        if file.key and (kept := _kept(place, file)) is not None:
            return kept
        source = RemoteSource(hub, file)
        try:
            header = parse_header(source, file.name)
        finally:
            self.fetched += source.fetched
        if file.key:
            self._keep(place, header)
        return header

    def _keep(self, place: Path, header: Header) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(place, hollow_header(header))
            _prune(self._folder)
        except (OSError, AppError) as error:
            _log.warning("a header is not kept: %s", error)


def _kept(place: Path, file: "RemoteFile") -> Header | None:
    """What was kept of that file; a damaged one is read anew."""
    try:
        return parse_header(PrefixSource(place.read_bytes(), file.size), file.name)
    except (OSError, AppError):
        return None


def _prune(folder: Path) -> None:
    """Remove those not written for longest while there are too many. Raises OSError."""
    files = sorted(folder.glob("*.gguf"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > KEPT_BYTES:
            path.unlink(missing_ok=True)
