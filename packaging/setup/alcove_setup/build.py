"""Builds the engine's wheel from its locked source, with build tools that are locked too."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alcove_setup.console import Console, describe_build
from alcove_setup.environment import pip_environ, run_pip
from alcove_setup.faults import SetupError
from alcove_setup.packages import install_command
from alcove_setup.process import Step, answer, run_step

NEEDED_BYTES = 1_500_000_000
"""Free space for sources, tools, objects and the wheel of a CPU build (it took 0.8 GB), with some to spare."""


@dataclass(frozen=True)
class Build:
    """One build: the pip that runs it, the lock files, CMake arguments, and an empty folder to work in."""

    pip: list[str]
    requirements: Path
    flags: str
    nvcc: str | None
    workspace: Path
    log: Path


def build_wheel(build: Build, console: Console) -> Path:
    """The new wheel, inside the workspace. Raises SetupError."""
    require_compiler(os.environ)
    require_space(build.workspace)
    environ = _environ(build)
    quiet = ["--progress-bar", "off"]
    tools = [*build.pip, "install", *quiet, "--require-hashes", "--target", str(build.workspace / "tools")]
    tools += ["-r", str(build.requirements / "build.txt")]
    fetch = [*build.pip, "download", *quiet, "--require-hashes", "--no-deps", "--no-binary", ":all:"]
    fetch += ["--no-build-isolation", "-r", str(build.requirements / "engine.txt"), "-d", str(build.workspace)]
    run_pip(_step("Build tools", tools, build, pip_environ()), console)
    run_pip(_step("Engine source", fetch, build, environ), console)
    source = next(build.workspace.glob("llama_cpp_python-*.tar.gz"))
    # No cache of pip's: it would hand out a wheel built with other flags or for another processor.
    compile_ = [*build.pip, "wheel", "-v", "--no-cache-dir", "--no-index", "--no-deps", "--no-build-isolation"]
    compile_ += ["-w", str(build.workspace / "wheel"), str(source)]
    console.say(f"Building the engine (llama.cpp) for this machine: some minutes, only once. Log: {build.log}")
    run_step(_step("Engine build", compile_, build, environ), console, describe_build)
    return next((build.workspace / "wheel").glob("*.whl"))


def require_compiler(environ: Mapping[str, str]) -> None:
    """Raises SetupError, with the one command to type, when there is no C and C++ compiler."""
    if has_compiler(environ):
        return
    raise SetupError(
        "The engine has to be built here, and there is no C++ compiler to do it.",
        f"{install_command('compiler')}\nThen start again; what is set up by now is kept.",
    )


def has_compiler(environ: Mapping[str, str]) -> bool:
    """Whether a C and a C++ compiler can be found, by name or by what CC and CXX say."""
    path = environ.get("PATH", os.defpath)
    if sys.platform == "win32":
        programs = Path(environ.get("ProgramFiles(x86)", "C:/Program Files (x86)"))
        where = programs / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
        component = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
        found = answer([str(where), "-products", "*", "-requires", component, "-property", "installationPath"])
        return bool(shutil.which("cl", path=path) or (found and found.strip()))
    if sys.platform == "darwin":
        return answer(["xcode-select", "-p"]) is not None
    c = environ.get("CC", "").split()[:1] or ["cc", "gcc", "clang"]
    cxx = environ.get("CXX", "").split()[:1] or ["c++", "g++", "clang++"]
    return all(any(shutil.which(name, path=path) for name in names) for names in (c, cxx))


def require_space(folder: Path) -> None:
    """Raises SetupError when the disk is too full for a build."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"Building the engine needs {NEEDED_BYTES / 1e9:.1f} GB in {folder.parent}; {free / 1e9:.1f} GB are free.",
            "Make room, or set XDG_CACHE_HOME to a folder on a larger disk.",
        )


def _step(title: str, command: list[str], build: Build, environ: Mapping[str, str]) -> Step:
    return Step(title, command, build.log, environ, cwd=build.workspace)


def _environ(build: Build) -> dict[str, str]:
    """The locked tools first on both paths, CMake's arguments, and temporary files where a later run clears them."""
    tools = build.workspace / "tools"
    scratch = build.workspace / "tmp"
    scratch.mkdir(exist_ok=True)
    environ = pip_environ() | {name: str(scratch) for name in ("TMPDIR", "TEMP", "TMP")}
    environ["PYTHONPATH"] = str(tools)
    environ["PATH"] = os.pathsep.join([str(tools / "bin"), environ.get("PATH", os.defpath)])
    environ["CMAKE_ARGS"] = build.flags
    environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 2))
    if build.nvcc:
        environ.setdefault("CUDACXX", build.nvcc)
    return environ
