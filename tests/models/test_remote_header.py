"""Headers of models on the hub: the real client against a hub on loopback that counts every byte it gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import AppError
from app.hardware.geometry import geometry_of
from app.hardware.gguf import read_header
from app.models.hub import Hub, RemoteFile, chosen
from app.models.remote_header import RemoteHeaders
from tests.hardware.gguf_files import Gguf, llama
from tests.hub.loopback import LoopbackHub, Repo, serving_hub

MIB = 1024**2


def large(vocabulary: int = 30_000, layers: int = 4) -> Gguf:
    """A model with a real vocabulary and some gigabytes of weights, which are a hole in the file."""
    made = llama(llama__block_count=layers, tokenizer__ggml__tokens=[f"token {number}" for number in range(vocabulary)])
    tensors = dict(made.tensors)
    for layer in range(layers):
        tensors[f"blk.{layer}.ffn_up.weight"] = (12, (4096, 131_072))
    return Gguf(made.metadata, tensors)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """One repository with two quantizations, a projector and a split one."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    file = large().write(tmp_path / "model.gguf")
    part = llama().write(tmp_path / "part.gguf")
    files: dict[str, bytes | Path] = {
        "README.md": b"# A model",
        "Model-Q4_K_M.gguf": file,
        "Model-IQ4_XS.gguf": part,
        "mmproj-Model-Q4_K_M.gguf": part,
        "Q8_0/Model-Q8_0-00001-of-00002.gguf": part,
        "Q8_0/Model-Q8_0-00002-of-00002.gguf": file,
    }
    with serving_hub(maker__Model=Repo(files), maker__Locked=Repo(files, gated=True)) as served:
        yield served


def test_no_more_than_the_header_is_fetched(hub: LoopbackHub, tmp_path: Path) -> None:
    headers = RemoteHeaders(tmp_path / "headers")
    header, size = headers.read(Hub(hub.address), "maker/Model", "Q4_K_M")
    local = read_header(tmp_path / "model.gguf")
    assert geometry_of(header) == geometry_of(local)
    assert size == local.file_size > 1000 * MIB
    assert local.data_offset <= hub.served <= 2 * local.data_offset + 256 * 1024
    assert headers.fetched == hub.served


def test_what_was_read_once_is_not_fetched_again(hub: LoopbackHub, tmp_path: Path) -> None:
    first, _ = RemoteHeaders(tmp_path / "headers").read(Hub(hub.address), "maker/Model", "Q4_K_M")
    served = hub.served
    again, size = RemoteHeaders(tmp_path / "headers").read(Hub(hub.address), "maker/Model", "Q4_K_M")
    assert hub.served == served
    assert geometry_of(again) == geometry_of(first)
    assert size > 1000 * MIB


def test_a_kept_header_that_was_damaged_is_read_anew(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = tmp_path / "headers"
    first, _ = RemoteHeaders(folder).read(Hub(hub.address), "maker/Model", "IQ4_XS")
    for kept in folder.iterdir():
        kept.write_bytes(kept.read_bytes()[:40])
    again, _ = RemoteHeaders(folder).read(Hub(hub.address), "maker/Model", "IQ4_XS")
    assert geometry_of(again) == geometry_of(first)


def test_every_part_of_a_split_model_is_read(hub: LoopbackHub, tmp_path: Path) -> None:
    header, size = RemoteHeaders(tmp_path / "headers").read(Hub(hub.address), "maker/Model", "Q8_0")
    parts = [read_header(tmp_path / name) for name in ("part.gguf", "model.gguf")]
    assert header.parameters == sum(part.parameters for part in parts)
    assert size == sum(part.file_size for part in parts)


def test_without_a_named_quantization_the_usual_one_is_taken(hub: LoopbackHub) -> None:
    (file,) = Hub(hub.address).files("maker/Model")
    assert file.name == "Model-Q4_K_M.gguf"


def test_a_server_without_ranges_is_left_after_the_header(hub: LoopbackHub, tmp_path: Path) -> None:
    hub.ranges = False
    with pytest.raises(AppError) as refused:
        RemoteHeaders(tmp_path / "headers").read(Hub(hub.address), "maker/Model", "Q4_K_M")
    assert (refused.value.code, refused.value.values["reason"]) == ("hub_unreachable", "no_ranges")


@pytest.mark.parametrize(
    ("repo", "quantization", "code"),
    [
        ("maker/Nobody", "", "repo_not_found"),
        ("no repo at all", "", "repo_not_found"),
        ("maker/Locked", "Q4_K_M", "repo_gated"),
        ("maker/Model", "Q5_K_M", "quantization_not_found"),
    ],
)
def test_what_is_not_there_is_named(hub: LoopbackHub, tmp_path: Path, repo: str, quantization: str, code: str) -> None:
    with pytest.raises(AppError) as refused:
        RemoteHeaders(tmp_path / "headers").read(Hub(hub.address), repo, quantization)
    assert refused.value.code == code
    assert refused.value.message


def test_an_unreachable_hub_and_offline_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AppError) as silent:
        Hub("http://127.0.0.1:9").files("maker/Model")
    assert silent.value.code == "hub_unreachable"
    monkeypatch.setenv("ALCOVE_OFFLINE", "1")
    with pytest.raises(AppError) as offline:
        Hub("http://127.0.0.1:9").files("maker/Model")
    assert offline.value.code == "offline"


def test_a_quantization_is_the_end_of_a_name_not_any_part_of_it() -> None:
    names = ["M-Q4_K_M.gguf", "M-Q4_K.gguf", "M-UD-Q4_K_XL.gguf", "Q4_K-M-F16.gguf", "bf16/M-BF16-00001-of-00001.gguf"]
    files = [RemoteFile("maker/M", "main", name, 1, name) for name in names]
    assert [file.name for file in chosen(files, "maker/M", "q4_k")] == ["M-Q4_K.gguf"]
    assert [file.name for file in chosen(files, "maker/M", "BF16")] == ["bf16/M-BF16-00001-of-00001.gguf"]
    assert [file.name for file in chosen(files, "maker/M", "Q4_K_XL")] == ["M-UD-Q4_K_XL.gguf"]
    assert [file.name for file in chosen(files, "maker/M", "")] == ["M-Q4_K_M.gguf"]
