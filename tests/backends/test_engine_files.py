"""Which graphics backends an engine has, told by the names of its libraries on each system."""

from pathlib import Path

import pytest

from app.backends.engine_files import backends_in, engine_folders


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["libggml-base.so.0", "libggml-cpu.so", "libggml.so.0.25.3", "libllama.so"], set()),
        (["libggml-cpu-haswell.so", "libggml-blas.so", "libggml-rpc.so"], set()),
        (["libggml-cuda.so.0", "libggml-cpu.so"], {"cuda"}),
        (["libggml-vulkan.so", "libggml-hip.so.0.25.3"], {"vulkan", "hip"}),
        (["libggml-metal.dylib", "libggml-metal.0.dylib"], {"metal"}),
        (["ggml-cuda.dll", "ggml-base.dll", "ggml-cuda.lib"], {"cuda"}),
        (["notes-about-ggml-cuda.txt"], set()),
    ],
)
def test_backends_are_told_by_names(tmp_path: Path, names: list[str], found: set[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert backends_in([tmp_path, tmp_path / "missing"]) == found


def test_the_folder_a_person_chose_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))
    assert engine_folders()[0] == tmp_path
    assert any((folder / "libggml-base.so").exists() or list(folder.glob("*ggml-base*")) for folder in engine_folders())
