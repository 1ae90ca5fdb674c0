"""Stand-ins for the set-up's tests: a machine, a console to read back, small wheels, and an index on loopback."""

import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from alcove_setup.console import Console
from alcove_setup.machine import Machine

VERSION = "0.3.36"
WORKING_ENGINE = """
__version__ = "{version}"
origin = "{origin}"
def llama_backend_init(): pass
def llama_print_system_info(): return b""
"""
KILLED_BY_THE_PROCESSOR = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"


def machine(**parts: object) -> Machine:
    """A plain Linux machine, with these parts instead."""
    plain = {"system": "linux", "architecture": "x86_64", "processor": "Test 1", "libc": "glibc 2.36"}
    return Machine(**(plain | parts))  # type: ignore[arg-type]


@dataclass
class Clock:
    """Time that passes only when told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Transcript:
    """A console and what was written to it."""

    interactive: bool = False
    clock: Clock = field(default_factory=Clock)
    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def console(self) -> Console:
        return Console(self.stream, self.interactive, self.clock)

    @property
    def text(self) -> str:
        return self.stream.getvalue()


def engine_source(origin: str) -> str:
    """The code of an engine that runs and says where it came from."""
    return WORKING_ENGINE.format(version=VERSION, origin=origin)


def make_wheel(folder: Path, code: str, version: str = VERSION, tag: str = "py3-none-any") -> Path:
    """A wheel of llama-cpp-python whose only module has that code."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"llama_cpp_python-{version}.dist-info"
    wheel = folder / f"llama_cpp_python-{version}-{tag}.whl"
    files = {
        "llama_cpp/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: llama_cpp_python\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]))
    return wheel


def publish(index: Path, variant: str, wheel: Path) -> None:
    """Puts a wheel into an index as the project lays it out: `<variant>/llama-cpp-python/`, a page of links."""
    page = index / variant / "llama-cpp-python"
    page.mkdir(parents=True, exist_ok=True)
    (page / wheel.name).write_bytes(wheel.read_bytes())
    links = "".join(f'<a href="{file.name}">{file.name}</a><br>\n' for file in sorted(page.glob("*.whl")))
    (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>", encoding="utf-8")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder on loopback; yields its address."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
