"""llama.cpp is loaded lean and its structs are set without silent misspellings."""

import ctypes
import subprocess
import sys

import pytest

from app.backends.llama import binding
from app.paths import RESOURCES


def test_a_misspelt_field_is_an_error() -> None:
    params = binding.llama.llama_model_default_params()
    binding.set_fields(params, n_gpu_layers=3, check_tensors=True)
    assert (params.n_gpu_layers, params.check_tensors) == (3, True)
    with pytest.raises(AttributeError, match="use_mmap"):
        binding.set_fields(params, use_mmap=True)


def test_fields_of_any_struct() -> None:
    class Pair(ctypes.Structure):
        _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_float))

    pair = Pair()
    binding.set_fields(pair, b=0.5)
    assert pair.b == 0.5


def _python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code], cwd=RESOURCES.parent, check=False, capture_output=True, text=True
    )


def test_the_heavy_half_of_the_package_is_not_loaded() -> None:
    done = _python(
        "import sys; from app.backends.llama import binding, session\n"
        "print([name for name in ('diskcache', 'jinja2', 'llama_cpp.llama') if name in sys.modules])"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_missing_package_is_an_import_error() -> None:
    done = _python(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, package=None: None if name == 'llama_cpp' else find(name, package)\n"
        "from app.backends.llama.desk import import_session\n"
        "from app.errors import AppError\n"
        "try:\n"
        "    import_session()\n"
        "except AppError as error:\n"
        "    print(error.code, error.values['reason'])\n"
    )
    assert done.stdout.strip() == "engine_missing llama-cpp-python is not installed", done.stderr


def test_the_processor_is_a_device() -> None:
    processor = [device for device in binding.devices() if device.kind == 0]
    assert processor
    assert processor[0].name == "CPU"
    assert binding.version()


def test_the_words_of_a_failed_assertion_arrive_before_the_end() -> None:
    """Makes ggml fail for real: an unknown function of its own is asked to abort."""
    done = _python(
        "import ctypes\n"
        "from app.backends.llama import binding, desk\n"
        "desk.import_session()\n"
        "binding.llama._lib.ggml_abort(b'file.c', 7, b'GGML_ASSERT(%s) failed', b'x > 0')\n"
    )
    assert done.returncode < 0
    assert "GGML_ASSERT(x > 0) failed" in done.stderr


def test_one_backend_is_asked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No backend for GPUs is built in here: the processor's stands in for one."""
    monkeypatch.setitem(binding._REGISTRATIONS, "Processor", "ggml_backend_cpu_reg")
    assert "Processor" in binding.built_backends()
    (found,) = binding.backend_devices("Processor")
    assert found == binding.cpu_devices()[0]
    assert found.name == "CPU"
    assert found.memory_total > 0
    assert binding.backend_features("Processor")


def test_a_build_for_amd_is_told_from_one_for_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = {"ggml_backend_cuda_reg"}
    monkeypatch.setattr(binding, "_exists", symbols.__contains__)
    assert binding.built_backends() == ["CUDA"]
    symbols.add("hipGetDeviceCount")
    assert binding.built_backends() == ["ROCm"]


def test_a_backend_that_is_not_built_in_is_not_offered() -> None:
    assert set(binding.built_backends()) <= {"CUDA", "ROCm", "Vulkan", "Metal", "SYCL", "OpenCL", "CANN"}
    if "CUDA" not in binding.built_backends():
        assert binding.cuda_runtime() is None
        with pytest.raises(ImportError):
            binding.backend_devices("CUDA")
