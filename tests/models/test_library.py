"""The library: which models are here, what they are called, and which are broken."""

import os
from pathlib import Path

import msgspec
import pytest

from app.errors import AppError
from app.models import library
from app.models.library import Library, find, read_model, readable, slug
from app.protocol import ModelEntry, ModelState
from tests.hardware.gguf_files import Gguf, llama


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    return llama(general__name="Alcove Starter").write(tmp_path / "starter-file.gguf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def split_model(folder: Path, count: int = 3) -> list[Path]:
    paths = []
    for number in range(count):
        split = {"split.no": ("H", number), "split.count": ("H", count)}
        metadata = dict(llama(general__name="Parted").metadata) | split if number == 0 else split
        part = Gguf(metadata, {f"t{number}": (12, (256, 4))})
        paths.append(part.write(folder / f"parted-q4_k_m-{number + 1:05}-of-{count:05}.gguf"))
    return paths


def test_an_empty_library_has_the_starter(folder: Path, starter: Path) -> None:
    (entry,) = Library(folder, starter).entries()
    assert (entry.id, entry.builtin, entry.name) == ("starter", True, "Alcove Starter")
    assert Library(folder / "none", folder / "none.gguf").entries() == []


def test_an_entry_says_what_the_header_says(folder: Path, starter: Path) -> None:
    path = llama(general__name="  Qwen3 \n8B ").write(folder / "Qwen3-8B-Q4_K_M.gguf")
    entry = Library(folder, starter).entries()[1]
    assert entry == ModelEntry(
        id="qwen3-8b-q4_k_m",
        name="Qwen3 8B",
        path=str(path),
        size=path.stat().st_size,
        quantization="Q4_K_M",
        architecture="llama",
        parameters=256 * 64 + 2 * 256 * 256 + 512 * 256 + 256,
        context_length=2048,
    )


@pytest.mark.parametrize(
    ("template", "thinks"),
    [
        ("{% if enable_thinking %}think{% endif %}", True),
        ("{{ '<think>' }}", True),
        ("{{ messages }} thinking", False),
        ("", False),
    ],
)
def test_a_template_tells_whether_the_model_thinks(folder: Path, starter: Path, template: str, thinks: bool) -> None:
    llama(tokenizer__chat_template=template).write(folder / "model.gguf")
    assert Library(folder, starter).entries()[1].supports_thinking is thinks


def test_the_starter_comes_first_and_the_others_by_name(folder: Path, starter: Path) -> None:
    for name in ("zebra", "Ape", "bear"):
        llama(general__name=name).write(folder / f"{name}-file.gguf")
    names = [entry.name for entry in Library(folder, starter).entries()]
    assert names == ["Alcove Starter", "Ape", "bear", "zebra"]


def test_ids_are_unique_and_the_starters_is_its_own(folder: Path, starter: Path) -> None:
    (folder / "sub").mkdir()
    for path in (folder / "m.gguf", folder / "sub" / "M.gguf", folder / "starter.gguf"):
        llama().write(path)
    entries = Library(folder, starter).entries()
    assert {entry.id: Path(entry.path) for entry in entries} == {
        "starter": starter,
        "m": folder / "m.gguf",
        "m-2": folder / "sub" / "M.gguf",
        "starter-2": folder / "starter.gguf",
    }
    assert [entry.builtin for entry in entries] == [True, False, False, False]


def test_what_is_no_language_model_is_not_listed(folder: Path, starter: Path) -> None:
    Gguf({"general.architecture": "clip"}, {}).write(folder / "vision.gguf")
    llama(general__type="adapter").write(folder / "lora.gguf")
    (folder / "mmproj-broken.gguf").write_bytes(b"nothing")
    assert len(Library(folder, starter).entries()) == 1


# ---------------------------------------------------------------- broken


def broken(folder: Path, starter: Path) -> tuple[str, str]:
    """Id of the only model in the folder, which is broken, and the reason."""
    entry = Library(folder, starter).entries()[1]
    assert entry.state is ModelState.BROKEN
    assert entry.error is not None
    assert entry.error.code == "model_broken"
    return entry.id, AppError.from_info(entry.error).message.partition(": ")[2]


def test_a_file_that_is_no_gguf_is_listed_as_broken(folder: Path, starter: Path) -> None:
    (folder / "Page.gguf").write_text("<html>")
    assert broken(folder, starter) == ("page", "this is not a GGUF file")


def test_a_cut_off_file_is_listed_as_broken(folder: Path, starter: Path) -> None:
    path = llama().write(folder / "a.gguf")
    os.truncate(path, path.stat().st_size - 500)
    assert "cut off" in broken(folder, starter)[1]


def test_a_file_without_weights_or_architecture_is_broken(folder: Path, starter: Path) -> None:
    path = Gguf({"general.architecture": "llama"}, {}).write(folder / "a.gguf")
    assert "no weights" in broken(folder, starter)[1]
    Gguf({}, {"t": (0, (4,))}).write(path)
    assert "no architecture" in broken(folder, starter)[1]


def test_a_file_that_vanishes_while_listing_is_broken(
    folder: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "gguf_files", lambda _: [folder / "gone.gguf"])
    assert "no such file" in broken(folder, starter)[1]


@pytest.mark.skipif(os.name != "posix", reason="file names are text elsewhere")
def test_a_file_whose_name_is_no_text_is_listed_and_can_be_told(folder: Path, starter: Path) -> None:
    llama().write(folder / os.fsdecode(b"caf\xe9.gguf"))
    assert broken(folder, starter)[1] == "its file name is no valid text; rename it"
    assert b"caf\xef\xbf\xbd.gguf" in msgspec.json.encode(Library(folder, starter).entries())


# ---------------------------------------------------------------- split models


def test_the_parts_of_a_split_model_are_one(folder: Path, starter: Path) -> None:
    paths = split_model(folder)
    (entry,) = Library(folder, starter).entries()[1:]
    assert (entry.id, entry.name, entry.state) == ("parted-q4_k_m", "Parted", ModelState.AVAILABLE)
    assert entry.path == str(paths[0])
    assert entry.size == sum(path.stat().st_size for path in paths)
    assert entry.parameters == 3 * 256 * 4
    assert read_model(paths[0]).parameters == entry.parameters


def test_parts_are_found_whatever_case_their_ending_has(folder: Path, starter: Path) -> None:
    paths = [path.rename(path.with_suffix(".GGUF")) for path in split_model(folder)]
    (entry,) = Library(folder, starter).entries()[1:]
    assert read_model(paths[0]).parameters == entry.parameters == 3 * 256 * 4


def test_missing_parts_are_named(folder: Path, starter: Path) -> None:
    paths = split_model(folder)
    paths[0].unlink()
    paths[2].unlink()
    assert broken(folder, starter) == ("parted-q4_k_m", "of its 3 parts these are missing: 1, 3")


def test_a_part_under_another_name_is_broken(folder: Path, starter: Path) -> None:
    paths = split_model(folder)
    paths[0].rename(folder / "renamed.gguf")
    for path in paths[1:]:
        path.unlink()
    assert "one of 3 parts" in broken(folder, starter)[1]


def test_a_cut_off_part_breaks_the_whole(folder: Path, starter: Path) -> None:
    path = split_model(folder)[1]
    os.truncate(path, path.stat().st_size - 10)
    assert "cut off" in broken(folder, starter)[1]


def test_names_that_only_look_like_parts(folder: Path, starter: Path) -> None:
    llama().write(folder / "a-00005-of-00003.gguf")
    llama().write(folder / "a-00000-of-00003.gguf")
    assert [entry.state for entry in Library(folder, starter).entries()[1:]] == [ModelState.AVAILABLE] * 2


def test_read_model_reads_a_single_file_too(starter: Path, folder: Path) -> None:
    assert read_model(starter).name == "Alcove Starter"
    with pytest.raises(AppError):
        read_model(folder / "none.gguf")


# ---------------------------------------------------------------- changes


def test_only_changed_files_are_read_again(folder: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = llama(general__name="One").write(folder / "a.gguf")
    shelf = Library(folder, starter)
    before = shelf.entries()
    monkeypatch.setattr(library, "read_header", lambda _: pytest.fail("nothing has changed"))
    assert shelf.entries() == before
    monkeypatch.undo()
    llama(general__name="Another").write(path)
    assert shelf.entries()[1].name == "Another"


def test_files_come_and_go(folder: Path, starter: Path) -> None:
    shelf = Library(folder, starter)
    path = llama().write(folder / "a.gguf")
    assert len(shelf.entries()) == 2
    path.unlink()
    assert len(shelf.entries()) == 1


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("stem", "wanted"),
    [
        ("Qwen3-8B-Q4_K_M", "qwen3-8b-q4_k_m"),
        ("A  strange (name)!", "a-strange-name"),
        ("模型-7B", "模型-7b"),
        ("...", "model"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_slugs(stem: str, wanted: str) -> None:
    assert slug(stem) == wanted


@pytest.mark.parametrize(
    ("stem", "wanted"),
    [
        ("Qwen3-8B-Q4_K_M", "Qwen3 8B"),
        ("gemma_3_12b.IQ4_XS", "gemma 3 12b"),
        ("llama-f16", "llama"),
        ("q4_0", "q4 0"),
        ("plain", "plain"),
    ],
)
def test_file_names_become_titles(stem: str, wanted: str) -> None:
    assert readable(stem) == wanted


def entry(id: str, name: str, file: str = "x.gguf") -> ModelEntry:
    return ModelEntry(id=id, name=name, path=f"/m/{file}", size=1)


ENTRIES = [
    entry("starter", "Alcove Starter"),
    entry("qwen3-8b-q4_k_m", "Qwen3 8B", "Qwen3-8B-Q4_K_M.gguf"),
    entry("qwen3-8b-q8_0", "Qwen3 8B", "Qwen3-8B-Q8_0.gguf"),
    entry("gemma", "Gemma 3"),
    entry("gemma-3-12b", "Gemma 3 12B"),
]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gemma", "gemma"),
        ("Gemma 3", "gemma"),
        ("GEMMA 3 12b", "gemma-3-12b"),
        ("Qwen3-8B-Q8_0.gguf", "qwen3-8b-q8_0"),
        ("qwen3-8b-q8", "qwen3-8b-q8_0"),
        ("ALCOVE", "starter"),
        (" starter ", "starter"),
        ("Qwen3 8B", "qwen3-8b-q4_k_m"),
    ],
)
def test_a_model_is_found(name: str, found: str) -> None:
    assert find(ENTRIES, name).id == found


@pytest.mark.parametrize("name", ["", " ", "qwen", "llama", "8b"])
def test_what_fits_none_or_several_is_not_found(name: str) -> None:
    with pytest.raises(AppError) as caught:
        find(ENTRIES, name)
    assert caught.value.code == "model_not_found"
    assert caught.value.values == {"model": name}
