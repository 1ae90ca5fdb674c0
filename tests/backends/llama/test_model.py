"""Which devices llama.cpp is told to use for what was asked."""

import ctypes
from pathlib import Path

import pytest

from app.backends.llama.model import Held, model_fields
from app.backends.llama.process import LlamaBackend
from app.protocol import LoadParams, TensorOverride


def first_device(params: LoadParams, gpu_layers: int) -> int | str | None:
    """The first of the list that is passed; "llama.cpp's choice" where none is."""
    held = Held()
    devices = model_fields(params, gpu_layers, held).get("devices")
    if devices is None:
        return "llama.cpp's choice"
    first: int | None = ctypes.cast(devices, ctypes.POINTER(ctypes.c_void_p))[0]
    return first


def test_without_layers_on_any_no_device_is_used() -> None:
    assert first_device(LoadParams(gpu_layers=0), 0) is None
    assert first_device(LoadParams(), 0) is None, "the second try after a card failed"


@pytest.mark.parametrize(
    ("params", "layers"),
    [
        (LoadParams(), -1),
        (LoadParams(gpu_layers=3), 3),
        (LoadParams(tensor_overrides=(TensorOverride(pattern="x"),)), 0),
    ],
)
def test_where_something_goes_there_the_devices_are_left_to_llama_cpp(params: LoadParams, layers: int) -> None:
    assert first_device(params, layers) == "llama.cpp's choice"


async def test_a_model_loads_without_any_device(models: Path) -> None:
    backend = LlamaBackend()
    loaded = await backend.load(str(models / "hello.gguf"), LoadParams(gpu_layers=0), lambda _share: None)
    assert loaded.device == "CPU"
    await backend.unload()
