"""The engine wheels of this user: kept once per version, flags and processor, with our own checksum beside each."""

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from alcove_setup.machine import Machine

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

RECORD = "wheel.json"
SOURCE = "source"


@dataclass(frozen=True)
class EngineKey:
    """What makes one engine wheel differ from another. The wheels are tagged py3-none, so Python is no part of it."""

    version: str
    variant: str
    """`source` for a build of our own, otherwise the wheel index's folder (`cpu`, `cu124` ...)."""
    flags: str
    system: str
    processor: str

    @classmethod
    def of(cls, machine: Machine, version: str, variant: str, flags: str = "") -> "EngineKey":
        system = f"{machine.system} {machine.architecture} {machine.libc}".strip()
        return cls(version, variant, flags, system, machine.processor)

    @property
    def name(self) -> str:
        """The folder's name: what a person looks for, then a digest of everything."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.version}-{self.variant}-{digest[:16]}"


class WheelCache:
    """A folder with one folder per engine. What lies there under its key was complete when it was put there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: EngineKey) -> Path | None:
        """The wheel of that key; a damaged one is thrown away and counts as missing."""
        place = self.folder / key.name
        try:
            record = json.loads((place / RECORD).read_bytes())
            wheel = place / str(record["wheel"])
            if checksum(wheel) == record["sha256"]:
                return wheel
        except (OSError, ValueError, KeyError, TypeError):
            pass
        self.discard(key)
        return None

    def store(self, key: EngineKey, wheel: Path) -> Path:
        """Takes a copy of the wheel; it appears under its key whole or not at all."""
        with self.workspace(key, "store") as space:
            copy = space / wheel.name
            shutil.copyfile(wheel, copy)
            record = {"wheel": wheel.name, "sha256": checksum(copy), **asdict(key)}
            (space / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            self.discard(key)
            space.rename(self.folder / key.name)
        return self.folder / key.name / wheel.name

    def discard(self, key: EngineKey) -> None:
        shutil.rmtree(self.folder / key.name, ignore_errors=True)

    @contextlib.contextmanager
    def workspace(self, key: EngineKey, purpose: str) -> Iterator[Path]:
        """An empty folder beside the wheels; what a killed run left in it is gone. Hold the lock."""
        space = self.folder / f".{purpose}-{key.name}"
        shutil.rmtree(space, ignore_errors=True)
        space.mkdir(parents=True)
        try:
            yield space
        finally:
            shutil.rmtree(space, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self, on_wait: Callable[[], None]) -> Iterator[None]:
        """One set-up at a time works on engines; a killed one lets go by itself. Says when it has to wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder / ".lock", on_wait):
            yield


def checksum(file: Path) -> str:
    """SHA-256 in hexadecimal. Raises OSError."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def held(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds a lock file, which the system releases when the process ends in whatever way."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _try_lock(descriptor, wait=False):
            on_wait()
            while not _try_lock(descriptor, wait=True):
                pass
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":

    def _try_lock(descriptor: int, wait: bool) -> bool:
        """Windows gives up waiting after ten seconds, hence the caller's loop."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _try_lock(descriptor: int, wait: bool) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
