"""The engine comes from the cache, the index or a build; what does not run is not kept."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from alcove_setup.cache import SOURCE
from alcove_setup.engine import FLAGS, Workshop, adopt_wheel, forget_engine, install_engine, locked_version
from alcove_setup.environment import Environment
from alcove_setup.faults import SetupError
from alcove_setup.layout import Layout
from alcove_setup.machine import Machine
from tests.packaging.setup_parts import (
    KILLED_BY_THE_PROCESSOR,
    VERSION,
    Transcript,
    engine_source,
    machine,
    make_wheel,
    publish,
    served,
)

NO_INDEX = {"ALCOVE_ENGINE_INDEX": ""}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """A checkout with an environment (without a pip of its own) and a lock of the engine."""
    layout = Layout(tmp_path / "checkout", tmp_path / "cache", tmp_path / "data")
    layout.requirements.mkdir(parents=True)
    (layout.requirements / "engine.txt").write_text(f"llama-cpp-python=={VERSION} \\\n    --hash=sha256:00\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(layout.venv)], check=True)
    return layout


def workshop(
    layout: Layout, told: Transcript, environ: Mapping[str, str] = NO_INDEX, which: Machine | None = None
) -> Workshop:
    return Workshop(layout, Environment(layout.venv, layout.log), which or machine(), told.console, environ)


def installed(layout: Layout) -> str:
    """Where the installed engine says it came from."""
    code = "import llama_cpp; print(llama_cpp.origin)"
    python = Environment(layout.venv, layout.log).python
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_built_wheel_is_adopted_installed_and_then_left_alone(layout: Layout, tmp_path: Path) -> None:
    told, again = Transcript(), Transcript()
    kept = adopt_wheel(workshop(layout, told), make_wheel(tmp_path, engine_source("build")))
    assert kept.is_relative_to(layout.engines)
    install_engine(workshop(layout, told))
    assert installed(layout) == "build"
    install_engine(workshop(layout, again))
    assert again.text == ""


@pytest.mark.parametrize(
    "name", ["llama_cpp_python-0.3.1-py3-none-any.whl", "other-0.3.36-py3-none-any.whl", "missing"]
)
def test_only_a_wheel_of_the_locked_version_is_adopted(layout: Layout, tmp_path: Path, name: str) -> None:
    if name != "missing":
        (tmp_path / name).touch()
    with pytest.raises(SetupError, match="no wheel of"):
        adopt_wheel(workshop(layout, Transcript()), tmp_path / name)


def test_the_index_gives_what_suits_the_machine_and_the_cache_keeps_it(layout: Layout, tmp_path: Path) -> None:
    gpu = machine(cuda_driver=(12, 4), cuda_runtimes=frozenset({12}))
    for variant in ("cpu", "cu121", "cu123"):
        publish(tmp_path / "index", variant, make_wheel(tmp_path / variant, engine_source(variant)))
    with served(tmp_path / "index") as address:
        install_engine(workshop(layout, Transcript(), {"ALCOVE_ENGINE_INDEX": address}, gpu))
    assert installed(layout) == "cu123"
    forget_engine(Environment(layout.venv, layout.log))
    install_engine(workshop(layout, Transcript(), NO_INDEX, gpu))
    assert installed(layout) == "cu123"


def test_a_build_for_this_processor_comes_before_a_prebuilt_one_for_any(layout: Layout, tmp_path: Path) -> None:
    adopt_wheel(workshop(layout, Transcript()), make_wheel(tmp_path / "build", engine_source("build")))
    publish(tmp_path / "index", "cpu", make_wheel(tmp_path / "cpu", engine_source("cpu")))
    with served(tmp_path / "index") as address:
        install_engine(workshop(layout, Transcript(), {"ALCOVE_ENGINE_INDEX": address}))
    assert installed(layout) == "build"


@pytest.mark.skipif(sys.platform == "win32", reason="dies of a POSIX signal")
def test_a_prebuilt_engine_that_kills_its_process_is_rejected(layout: Layout, tmp_path: Path) -> None:
    gpu = machine(vulkan=True)
    told = Transcript()
    publish(tmp_path / "index", "vulkan", make_wheel(tmp_path / "bad", KILLED_BY_THE_PROCESSOR))
    adopt_wheel(workshop(layout, told, NO_INDEX, gpu), make_wheel(tmp_path / "good", engine_source("build")))
    with served(tmp_path / "index") as address:
        shop = workshop(layout, told, {"ALCOVE_ENGINE_INDEX": address}, gpu)
        install_engine(shop)
    assert installed(layout) == "build"
    assert "(vulkan) does not run on this machine: killed by signal 4" in told.text
    assert shop.cache.find(shop.key("vulkan")) is None


def test_a_damaged_wheel_is_not_installed_but_built_again(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    shop = workshop(layout, Transcript())
    kept = adopt_wheel(shop, make_wheel(tmp_path, engine_source("build")))
    kept.write_bytes(b"cut off")
    with pytest.raises(SetupError, match=r"has to be built here, and there is no C\+\+ compiler"):
        install_engine(shop)


def test_the_users_flags_are_another_engine_and_are_remembered(layout: Layout, tmp_path: Path) -> None:
    wish = NO_INDEX | {"ALCOVE_ENGINE_FLAGS": "-DGGML_BLAS=on"}
    adopt_wheel(workshop(layout, Transcript()), make_wheel(tmp_path / "plain", engine_source("plain")))
    adopt_wheel(workshop(layout, Transcript(), wish), make_wheel(tmp_path / "blas", engine_source("blas")))
    install_engine(workshop(layout, Transcript()))
    assert installed(layout) == "plain"
    install_engine(workshop(layout, Transcript(), wish))
    assert installed(layout) == "blas"
    assert (layout.venv / FLAGS).read_text() == "-DGGML_BLAS=on"
    told = Transcript()
    install_engine(workshop(layout, told))
    assert (installed(layout), told.text) == ("blas", "")
    install_engine(workshop(layout, told, NO_INDEX | {"ALCOVE_ENGINE_FLAGS": ""}))
    assert installed(layout) == "plain"


def test_an_engine_that_was_cut_off_while_it_was_installed_is_mended(layout: Layout, tmp_path: Path) -> None:
    shop = workshop(layout, Transcript())
    adopt_wheel(shop, make_wheel(tmp_path, engine_source("build")))
    install_engine(shop)
    site = shop.environment.site_packages()
    (site / f"llama_cpp_python-{VERSION}.dist-info" / "RECORD").unlink()
    (site / "llama_cpp" / "__init__.py").unlink()
    (site / "~lama_cpp").mkdir()
    install_engine(workshop(layout, Transcript()))
    assert installed(layout) == "build"
    assert not (site / "~lama_cpp").exists()


def test_another_version_in_the_lock_means_another_engine(layout: Layout, tmp_path: Path) -> None:
    shop = workshop(layout, Transcript())
    adopt_wheel(shop, make_wheel(tmp_path, engine_source("build")))
    install_engine(shop)
    (layout.requirements / "engine.txt").write_text("llama-cpp-python==0.3.37 \\\n    --hash=sha256:00\n")
    newer = engine_source("newer").replace(VERSION, "0.3.37")
    adopt_wheel(workshop(layout, Transcript()), make_wheel(tmp_path, newer, version="0.3.37"))
    install_engine(workshop(layout, Transcript()))
    assert installed(layout) == "newer"


def test_an_idle_nvidia_gpu_is_mentioned(layout: Layout, tmp_path: Path) -> None:
    told = Transcript()
    shop = workshop(layout, told, NO_INDEX, machine(cuda_driver=(12, 4)))
    adopt_wheel(shop, make_wheel(tmp_path, engine_source("build")))
    install_engine(shop)
    assert "--new-engine" in told.text


def test_the_record_says_which_wheel_it_was(layout: Layout, tmp_path: Path) -> None:
    shop = workshop(layout, Transcript())
    kept = adopt_wheel(shop, make_wheel(tmp_path, engine_source("build")))
    record = json.loads((kept.parent / "wheel.json").read_text())
    assert (record["version"], record["variant"], record["processor"]) == (VERSION, SOURCE, "Test 1")
    assert len(record["sha256"]) == 64


def test_the_real_lock_names_one_version_and_no_address() -> None:
    requirements = Path(__file__).parents[2] / "requirements"
    assert locked_version(requirements / "engine.txt")
    for lock in requirements.glob("*.txt"):
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


def test_a_lock_without_the_engine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "engine.txt").write_text("numpy==1\n")
    with pytest.raises(SetupError, match="names no version"):
        locked_version(tmp_path / "engine.txt")
