"""A projector takes its weights, and scratch that grows with the picture."""

from pathlib import Path

from app.hardware.gguf import read_header
from app.hardware.projector import projector_bytes
from tests.gguf_parts import write_tiny_projector
from tests.hardware.gguf_files import Gguf, Value


def projector(tmp_path: Path, **own: Value) -> int:
    fields: dict[str, Value] = {"general.architecture": "clip"}
    fields |= {f"clip.vision.{key}": value for key, value in own.items()}
    return projector_bytes(read_header(Gguf(fields, {"v.weight": (1, (64, 64))}).write(tmp_path / "p.gguf")))


def test_weights_and_scratch_are_counted(tmp_path: Path) -> None:
    size = projector(tmp_path, image_size=56, patch_size=14, embedding_length=10, feed_forward_length=20)
    assert size == 64 * 64 * 2 + 16 * (4 * 10 + 2 * 20) * 4


def test_larger_pictures_take_more(tmp_path: Path) -> None:
    figures: dict[str, Value] = {"patch_size": 14, "embedding_length": 1152, "feed_forward_length": 4304}
    small, large = projector(tmp_path, image_size=224, **figures), projector(tmp_path, image_size=896, **figures)
    assert 150 * 1024**2 < large < 300 * 1024**2
    assert small < large / 10


def test_what_is_not_told_is_assumed_and_nonsense_is_bounded(tmp_path: Path) -> None:
    assert projector(tmp_path) == 64 * 64 * 2
    assert projector(tmp_path, image_size=2**31, patch_size=0, embedding_length=1) < 2**20
    assert projector_bytes(read_header(write_tiny_projector(tmp_path / "tiny.gguf"))) > 100_000
