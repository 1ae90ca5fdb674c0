"""Puts the engine (llama-cpp-python) into the environment: from the cache, from the wheel index, or built here."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alcove_setup.build import Build, build_wheel
from alcove_setup.cache import SOURCE, EngineKey, WheelCache
from alcove_setup.console import Console
from alcove_setup.environment import Environment, pip_environ
from alcove_setup.faults import SetupError
from alcove_setup.index import Unreachable, WheelIndex, fetch, index_address, is_wheel_of
from alcove_setup.layout import Layout
from alcove_setup.machine import Machine
from alcove_setup.process import Step, run_step
from alcove_setup.variants import build_flags, lacks_cuda, prebuilt_variants, uses_gpu

RECORD = "alcove-engine.json"
FLAGS = "alcove-engine-flags"
"""The wish (`ALCOVE_ENGINE_FLAGS`) the engine was chosen with; the run scripts compare it."""
IMPORT_SECONDS = 60
TRY_OUT = "import llama_cpp as l; l.llama_backend_init(); l.llama_print_system_info(); print(l.__version__)"
"""Loads the libraries and lets the CPU backend begin its tables: a wheel for another processor dies here."""


@dataclass(frozen=True)
class Workshop:
    """Everything the choice of an engine depends on."""

    layout: Layout
    environment: Environment
    machine: Machine
    console: Console
    environ: Mapping[str, str]

    @property
    def cache(self) -> WheelCache:
        return WheelCache(self.layout.engines)

    @property
    def version(self) -> str:
        """The locked version. Raises SetupError."""
        return locked_version(self.layout.requirements / "engine.txt")

    @property
    def wish(self) -> str | None:
        """The CMake arguments the user asks for: now, or when the installed engine was chosen."""
        wish = self.environ.get("ALCOVE_ENGINE_FLAGS")
        if wish is not None:
            return wish
        with contextlib.suppress(OSError):
            return (self.environment.root / FLAGS).read_text(encoding="utf-8")
        return None

    def key(self, variant: str) -> EngineKey:
        flags = build_flags(self.machine, self.wish) if variant == SOURCE else ""
        return EngineKey.of(self.machine, self.version, variant, flags)


def install_engine(shop: Workshop) -> None:
    """Makes `import llama_cpp` work in the environment, unless the right engine is there. Raises SetupError."""
    if _is_installed(shop):
        return
    console = shop.console
    with shop.cache.lock(lambda: console.say("Another set-up is working on the engine; waiting for it.")):
        for key, wheel in _candidates(shop):
            _install(shop, wheel)
            fault = _fault(shop)
            if fault is None:
                _note(shop, key)
                _say_idle_gpu(shop, key)
                return
            console.say(f"  The engine in {wheel.name} ({key.variant}) does not run on this machine: {fault}")
            shop.cache.discard(key)
    raise SetupError("The engine was built but does not run.", f"The build's log: {shop.layout.engines / 'build.log'}")


def adopt_wheel(shop: Workshop, wheel: Path) -> Path:
    """Puts a wheel that was built on this machine with this machine's flags into the cache. Raises SetupError."""
    if not wheel.is_file() or not is_wheel_of(wheel.name, shop.version):
        raise SetupError(f"{wheel} is no wheel of llama-cpp-python {shop.version}.")
    with shop.cache.lock(lambda: None):
        return shop.cache.store(shop.key(SOURCE), wheel)


def locked_version(lock: Path) -> str:
    """The engine's version in its lock file. Raises SetupError."""
    found = re.search(r"^llama-cpp-python==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise SetupError(f"{lock} names no version of llama-cpp-python.", "Take the file from the repository again.")
    return found[1]


def _candidates(shop: Workshop) -> Iterator[tuple[EngineKey, Path]]:
    """Wheels to try, best first. A build of our own comes before a prebuilt one for the CPU: it is made for it."""
    own = shop.key(SOURCE)
    wheels = WheelIndex(index_address(shop.environ, shop.layout.data / "settings.json"))
    variants = () if shop.wish else prebuilt_variants(shop.machine)
    yield from _prebuilt(shop, wheels, [variant for variant in variants if uses_gpu(variant)])
    if wheel := shop.cache.find(own):
        yield own, wheel
    yield from _prebuilt(shop, wheels, [variant for variant in variants if not uses_gpu(variant)])
    yield own, _build(shop, own)


def _prebuilt(shop: Workshop, wheels: WheelIndex, variants: list[str]) -> Iterator[tuple[EngineKey, Path]]:
    """The wheels of those variants that are in the cache or in the wheel index, in that order of variants."""
    for variant in variants:
        key = shop.key(variant)
        wheel = shop.cache.find(key)
        if wheel is None:
            try:
                wheel = _download(shop, wheels, key)
            except Unreachable as reason:
                shop.console.say(f"  No prebuilt engine: {reason}.")
        if wheel is not None:
            yield key, wheel


def _download(shop: Workshop, wheels: WheelIndex, key: EngineKey) -> Path | None:
    """Raises Unreachable."""
    if not wheels.holds(key.variant, key.version):
        return None
    with shop.cache.workspace(key, "download") as space:
        log = shop.layout.engines / "download.log"
        page = wheels.page(key.variant)
        wheel = fetch(shop.environment.pip(), page, key.version, space, log, shop.console)
        return wheel and shop.cache.store(key, wheel)


def _build(shop: Workshop, key: EngineKey) -> Path:
    with shop.cache.workspace(key, "build") as space:
        log = shop.layout.engines / "build.log"
        requirements = shop.layout.requirements
        build = Build(shop.environment.pip(), requirements, key.flags, shop.machine.nvcc, space, log)
        return shop.cache.store(key, build_wheel(build, shop.console))


def _install(shop: Workshop, wheel: Path) -> None:
    _clear_halves(shop.environment.site_packages())
    options = ["--no-deps", "--no-index", "--force-reinstall", "--no-cache-dir"]
    command = [*shop.environment.pip(), "install", *options, str(wheel)]
    (shop.environment.root / RECORD).unlink(missing_ok=True)
    run_step(Step("Engine", command, shop.layout.log, pip_environ()), shop.console)


def _say_idle_gpu(shop: Workshop, key: EngineKey) -> None:
    """An NVIDIA GPU without CUDA's libraries is worth a word: the engine came out for the CPU."""
    if lacks_cuda(shop.machine) and not uses_gpu(key.variant):
        shop.console.say("The NVIDIA GPU stays unused: CUDA is not installed (developer.nvidia.com/cuda-downloads).")
        shop.console.say("Once it is: python3 packaging/setup/main.py --new-engine")


def _clear_halves(site_packages: Path) -> None:
    """Removes what an interrupted pip left: a record without its list of files makes every later installation fail."""
    for info in site_packages.glob("llama_cpp_python-*.dist-info"):
        if not (info / "RECORD").exists():
            shutil.rmtree(info)
    for moved_away in site_packages.glob("~lama_cpp*"):
        shutil.rmtree(moved_away)


def _fault(shop: Workshop) -> str | None:
    """Why the installed engine does not load, asked of a child: a wheel for another processor kills its process."""
    command = [str(shop.environment.python), "-I", "-c", TRY_OUT]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=IMPORT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "it hangs"
    if tried.returncode == 0 and tried.stdout.decode(errors="replace").strip().endswith(shop.version):
        return None
    if tried.returncode < 0:
        return f"killed by signal {-tried.returncode}"
    return (tried.stderr.decode(errors="replace").strip().splitlines() or ["it is another version"])[-1]


def _is_installed(shop: Workshop) -> bool:
    try:
        record = json.loads((shop.environment.root / RECORD).read_bytes())
        same = record["engine"] == shop.key(str(record["variant"])).name
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return same and _fault(shop) is None


def _note(shop: Workshop, key: EngineKey) -> None:
    """Remembers in the environment which engine it holds."""
    root = shop.environment.root
    (root / FLAGS).write_text(shop.wish or "", encoding="utf-8")
    (root / RECORD).write_text(json.dumps({"engine": key.name, "variant": key.variant}) + "\n", encoding="utf-8")


def forget_engine(environment: Environment) -> None:
    """The next `install_engine` chooses anew, as after a new graphics card or driver."""
    for name in (RECORD, FLAGS):
        (environment.root / name).unlink(missing_ok=True)


def workshop(layout: Layout, environment: Environment, machine: Machine, console: Console) -> Workshop:
    """A workshop in this process's environment."""
    return Workshop(layout, environment, machine, console, dict(os.environ))
