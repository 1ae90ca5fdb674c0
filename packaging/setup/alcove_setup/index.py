"""The llama-cpp-python project's wheel index: whether it holds an engine for a variant, and fetching it."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from alcove_setup.console import Console, describe_pip
from alcove_setup.environment import is_offline, pip_environ
from alcove_setup.process import Step, StepFailed, run_step

DEFAULT_INDEX = "https://abetlen.github.io/llama-cpp-python/whl"
SECONDS = 4
"""How long the index may take to answer; after that the engine is built here."""


class Unreachable(Exception):
    """The index does not answer: no use in asking it for another variant."""


def index_address(environ: Mapping[str, str], settings: Path) -> str:
    """Where to look: `ALCOVE_ENGINE_INDEX`, else `engine_index` in the settings, else the project's; empty: nowhere."""
    if is_offline(environ):
        return ""
    chosen = environ.get("ALCOVE_ENGINE_INDEX")
    if chosen is None:
        chosen = _from_settings(settings)
    return DEFAULT_INDEX if chosen is None else chosen.strip().rstrip("/")


class WheelIndex:
    """An index by its address. Once it has failed to answer it is not asked again: every question may cost seconds."""

    def __init__(self, address: str) -> None:
        self._address = address

    def page(self, variant: str) -> str:
        return f"{self._address}/{variant}/llama-cpp-python/"

    def holds(self, variant: str, version: str) -> bool:
        """Whether the variant's page lists wheels of that version. Raises Unreachable, the first time."""
        if not self._address:
            return False
        try:
            page = _read(self.page(variant))
        except Unreachable:
            self._address = ""
            raise
        return any(is_wheel_of(name, version) for name in wheel_names(page))


def fetch(pip: list[str], page: str, version: str, workspace: Path, log: Path, console: Console) -> Path | None:
    """Lets pip take the page's wheel that fits this Python and system; None when none fits or the download fails."""
    requirement = f"llama-cpp-python=={version}"
    options = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--progress-bar", "off"]
    command = [*pip, "download", *options, "-d", str(workspace), requirement]
    environ = pip_environ() | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": page}
    try:
        run_step(Step("Prebuilt engine", command, log, environ, cwd=workspace), console, describe_pip)
    except StepFailed:
        console.say(f"  Prebuilt engine: none of {page} can be used here (log: {log})")
        return None
    return next(workspace.glob("*.whl"), None)


def wheel_names(page: str) -> list[str]:
    """The file names of the wheels a PEP 503 page links to."""
    reader = _Links()
    reader.feed(page)
    names = [unquote(urlsplit(link).path.rsplit("/", 1)[-1]) for link in reader.links]
    return [name for name in names if name.endswith(".whl")]


def is_wheel_of(name: str, version: str) -> bool:
    """Whether that is a wheel of that engine version, with or without a local part (`0.3.36+cu124`)."""
    project, _, rest = name.partition("-")
    return project == "llama_cpp_python" and rest.split("-")[0].split("+")[0] == version


class _Links(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _read(address: str) -> str:
    """The page at that address, empty when there is none. Raises Unreachable; only loopback may do without https."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise Unreachable(f"{address} is not an https address")
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as response:
            return str(response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        if error.code in {404, 410}:
            return ""
        raise Unreachable(f"{address} answers with {error.code}") from error
    except (OSError, ValueError) as error:
        raise Unreachable(f"{address} does not answer ({getattr(error, 'reason', error)})") from error


def _from_settings(file: Path) -> str | None:
    """The settings belong to the app; here a damaged file only means that nothing was chosen."""
    try:
        chosen = json.loads(file.read_bytes()).get("engine_index")
    except (OSError, ValueError, AttributeError):
        return None
    return chosen if isinstance(chosen, str) else None
