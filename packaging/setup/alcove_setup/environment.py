"""The checkout's virtual environment: made, mended when a run was interrupted, and filled with the locked packages."""

import hashlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alcove_setup.console import Console, describe_pip
from alcove_setup.faults import SetupError
from alcove_setup.packages import install_command
from alcove_setup.process import Step, StepFailed, answer, run_step

UNFINISHED = "alcove-unfinished"
"""Lies in the environment while packages are being put into it: an interrupted pip leaves halves that look whole."""
INSTALLED = "alcove-requirements"


@dataclass(frozen=True)
class Environment:
    """A virtual environment by its folder."""

    root: Path
    log: Path

    @property
    def binaries(self) -> Path:
        return self.root / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        return self.binaries / ("python.exe" if sys.platform == "win32" else "python")

    @property
    def unfinished(self) -> Path:
        return self.root / UNFINISHED

    def pip(self) -> list[str]:
        """The pip to use: the environment's own, otherwise the system's, aimed at it."""
        if answer([str(self.python), "-m", "pip", "--version"]):
            return [str(self.python), "-m", "pip"]
        return [sys.executable, "-m", "pip", "--python", str(self.python)]

    def site_packages(self) -> Path:
        """Where its packages lie. Raises SetupError when its Python does not run."""
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        folder = answer([str(self.python), "-I", "-c", code])
        if not folder:
            raise SetupError(f"{self.python} does not run.", f"Delete {self.root} and try again.")
        return Path(folder.strip())


def prepare(root: Path, log: Path, console: Console) -> Environment:
    """The environment in that folder, made anew when it is missing, half made or broken. Raises SetupError."""
    environment = Environment(root, log)
    if is_sound(environment):
        return environment
    if root.exists():
        _remove(environment, console)
    _create(environment, console)
    return environment


def is_sound(environment: Environment) -> bool:
    """Whether its Python runs from there and no installation was cut short."""
    if environment.unfinished.exists() or not (environment.root / "pyvenv.cfg").exists():
        return False
    prefix = answer([str(environment.python), "-I", "-c", "import sys; print(sys.prefix)"])
    return prefix is not None and Path(prefix.strip()).resolve() == environment.root.resolve()


def install(environment: Environment, locks: Iterable[Path], console: Console) -> None:
    """Installs what the lock files name, unless exactly that was installed before. Raises SetupError."""
    files = list(locks)
    note = environment.root / INSTALLED
    wanted = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    have = dict(line.split() for line in note.read_text().splitlines()) if note.exists() else {}
    if all(have.get(name) == digest for name, digest in wanted.items()):
        return
    environment.unfinished.touch()
    arguments = [part for file in files for part in ("-r", str(file))]
    command = [*environment.pip(), "install", "--require-hashes", "--progress-bar", "off", *arguments]
    run_pip(Step("Dependencies", command, environment.log, pip_environ()), console)
    note.write_text("".join(f"{name} {digest}\n" for name, digest in {**have, **wanted}.items()))
    environment.unfinished.unlink()


def link_checkout(environment: Environment, checkout: Path) -> None:
    """Makes `import app` work in the environment from any folder, and puts an `alcove` command into it."""
    path_file = environment.site_packages() / "alcove-checkout.pth"
    path_file.write_text(f"{checkout}\n", encoding="utf-8")
    if sys.platform == "win32":
        command = environment.binaries / "alcove.cmd"
        command.write_text('@"%~dp0python.exe" -P -m app %*\r\n', encoding="utf-8")
        return
    command = environment.binaries / "alcove"
    command.write_text(f"#!/bin/sh\nexec '{environment.python}' -P -m app \"$@\"\n", encoding="utf-8")
    command.chmod(0o755)


def pip_environ(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment pip runs in: the user's own settings, less what would install elsewhere or ask questions."""
    kept = {name: value for name, value in environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}}
    kept |= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    kept |= {"PIP_ROOT_USER_ACTION": "ignore"}
    if is_offline(environ):
        kept["PIP_NO_INDEX"] = "1"
    return kept


def run_pip(step: Step, console: Console) -> None:
    """Runs a pip that needs an index. Raises SetupError, which speaks of the network where that is the cause."""
    try:
        run_step(step, console, describe_pip)
    except StepFailed as failure:
        raise SetupError(failure.message, f"{failure.hint}\n{network_hint(failure.lines)}".rstrip()) from failure


def network_hint(lines: Iterable[str], environ: Mapping[str, str] = os.environ) -> str:
    """What to do when pip's words say that it did not get at its index; empty when they say something else."""
    said = " ".join(lines).lower()
    if is_offline(environ):
        return "ALCOVE_OFFLINE is set, so nothing was downloaded; the first set-up needs it unset."
    if any(word in said for word in ("connection", "timed out", "name resolution", "certificate", "proxy")):
        return "It looks like the network: HTTPS_PROXY names a proxy, `pip config` another package index."
    return ""


def is_offline(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the user forbids every connection (`ALCOVE_OFFLINE=1`)."""
    return environ.get("ALCOVE_OFFLINE", "") not in {"", "0"}


def _remove(environment: Environment, console: Console) -> None:
    """Clears a broken environment away; a folder that is no environment is left alone. Raises SetupError."""
    root = environment.root
    ours = (root / "pyvenv.cfg").exists() or environment.unfinished.exists() or not any(root.iterdir())
    if not ours:
        raise SetupError(f"{root} is in the way: it is no virtual environment.", "Move it elsewhere and try again.")
    console.say(f"The last set-up of {root} was not finished or no longer runs; making it anew.")
    try:
        shutil.rmtree(root)
    except OSError as error:
        raise SetupError(
            f"{root} cannot be removed: {error}", "Close what uses it, delete it and try again."
        ) from error


def _create(environment: Environment, console: Console) -> None:
    """Makes the environment with whatever this Python has: ensurepip, a system pip, or virtualenv."""
    root = str(environment.root)
    if _has("ensurepip"):
        command = [sys.executable, "-m", "venv", root]
    elif _has("venv") and pip_can_aim_elsewhere(answer([sys.executable, "-m", "pip", "--version"])):
        command = [sys.executable, "-m", "venv", "--without-pip", root]
    elif _has("virtualenv"):
        command = [sys.executable, "-m", "virtualenv", root]
    else:
        raise SetupError(
            f"{sys.executable} can make no virtual environment: neither python3-venv, pip nor virtualenv is there.",
            install_command("venv"),
        )
    environment.root.mkdir(parents=True, exist_ok=True)
    environment.unfinished.touch()
    run_step(Step("Python environment", command, environment.log, pip_environ()), console)


def pip_can_aim_elsewhere(version: str | None) -> bool:
    """Whether a pip with that `--version` line knows `--python` (22.3 and later)."""
    parts = (version or "").split()
    numbers = parts[1].split(".") if len(parts) > 1 else []
    known = [int(number) for number in numbers[:2] if number.isdigit()]
    return len(known) == 2 and known >= [22, 3]


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
