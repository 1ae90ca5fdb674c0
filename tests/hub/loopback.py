"""A hub on loopback: files behind the API that huggingface_hub speaks, with ranges, ETags and redirects."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CHUNK = 1 << 16


@dataclass
class Repo:
    """Files by their names: bytes, or a file on the disk (which may be a large hole)."""

    files: Mapping[str, bytes | Path]
    gated: bool = False
    revision: str = "0123456789abcdef0123456789abcdef01234567"

    def size(self, name: str) -> int:
        content = self.files[name]
        return len(content) if isinstance(content, bytes) else content.stat().st_size

    def sha256(self, name: str) -> str:
        """Of bytes the real one; of a file on the disk, which may be huge, one that belongs to it alone."""
        content = self.files[name]
        told = content if isinstance(content, bytes) else f"{content} {content.stat().st_mtime_ns}".encode()
        return hashlib.sha256(told).hexdigest()

    def read(self, name: str, start: int, size: int) -> bytes:
        content = self.files[name]
        if isinstance(content, bytes):
            return content[start : start + size]
        with content.open("rb") as file:
            file.seek(start)
            return file.read(size)


@dataclass
class LoopbackHub:
    """What it has, and what was asked of it."""

    repos: dict[str, Repo] = field(default_factory=dict)
    ranges: bool = True
    address: str = ""
    served: int = 0
    """Bytes of files that were sent."""
    requests: list[str] = field(default_factory=list)

    def info(self, name: str) -> dict[str, Any]:
        """A repository as /api/models tells of it, with the blobs."""
        repo = self.repos[name]
        siblings = [
            {
                "rfilename": file,
                "size": repo.size(file),
                "blobId": repo.sha256(file)[:40],
                "lfs": {"sha256": repo.sha256(file), "size": repo.size(file), "pointerSize": 134},
            }
            for file in repo.files
        ]
        now = datetime(2026, 11, 1, tzinfo=UTC).isoformat().replace("+00:00", ".000Z")
        return {
            "_id": hashlib.sha256(name.encode()).hexdigest()[:24],
            "id": name,
            "modelId": name,
            "author": name.partition("/")[0],
            "sha": repo.revision,
            "lastModified": now,
            "createdAt": now,
            "private": False,
            "gated": "manual" if repo.gated else False,
            "disabled": False,
            "tags": ["gguf"],
            "downloads": 1,
            "likes": 0,
            "siblings": siblings,
        }


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LoopbackHub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written."""

    def _answer(self, body: bool) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        self.hub.requests.append(f"{self.command} {path}")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/[^/]+)?", path):
            self._tell(match[1], "blobs" in parse_qs(address.query))
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[3])
        elif match := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self._send_file(match[1], match[2], body)
        else:
            self._refuse(404, "EntryNotFound")

    def _tell(self, name: str, blobs: bool) -> None:
        if name not in self.hub.repos:
            self._refuse(401, "RepoNotFound")
            return
        info = self.hub.info(name)
        if not blobs:
            info["siblings"] = [{"rfilename": each["rfilename"]} for each in info["siblings"]]
        content = json.dumps(info).encode()
        self._begin(200, {"Content-Type": "application/json", "Content-Length": str(len(content))})
        self.wfile.write(content)

    def _resolve(self, name: str, file: str) -> None:
        """Large files are elsewhere: the hub tells their hash and sends the client there."""
        repo = self.hub.repos.get(name)
        if repo is None:
            self._refuse(401, "RepoNotFound")
        elif repo.gated and "authorization" not in self.headers:
            self._refuse(401, "GatedRepo")
        elif file not in repo.files:
            self._refuse(404, "EntryNotFound")
        else:
            about = {
                "X-Repo-Commit": repo.revision,
                "X-Linked-Size": str(repo.size(file)),
                "X-Linked-ETag": f'"{repo.sha256(file)}"',
                "Location": f"{self.hub.address}/cdn/{name}/{file}",
                "Content-Length": "0",
            }
            self._begin(302, about)

    def _send_file(self, name: str, file: str, body: bool) -> None:
        repo = self.hub.repos[name]
        size = repo.size(file)
        start, end, status = 0, size - 1, 200
        if self.hub.ranges and (match := _RANGE.fullmatch(self.headers.get("Range", ""))):
            start, end, status = int(match[1]), min(int(match[2] or size - 1), size - 1), 206
        about = {"ETag": f'"{repo.sha256(file)}"', "Content-Length": str(end - start + 1)}
        if self.hub.ranges:
            about["Accept-Ranges"] = "bytes"
        if status == 206:
            about["Content-Range"] = f"bytes {start}-{end}/{size}"
        self._begin(status, about)
        with contextlib.suppress(ConnectionError):  # a client may have enough
            while body and start <= end:
                chunk = repo.read(file, start, min(_CHUNK, end - start + 1))
                self.wfile.write(chunk)
                self.hub.served += len(chunk)
                start += len(chunk)

    def _refuse(self, status: int, code: str) -> None:
        self._begin(status, {"X-Error-Code": code, "X-Error-Message": code, "Content-Length": "0"})

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextlib.contextmanager
def serving_hub(**repos: Repo) -> Iterator[LoopbackHub]:
    """A hub that runs while the context lasts; `__` in a name stands for the slash."""
    hub = LoopbackHub({name.replace("__", "/"): repo for name, repo in repos.items()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Request", (_Request,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
