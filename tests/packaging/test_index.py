"""The wheel index is asked politely: where the user says, with a short wait, over https or loopback."""

import json
import socket
import sys
from pathlib import Path

import pytest

from alcove_setup.index import DEFAULT_INDEX, Unreachable, WheelIndex, fetch, index_address, is_wheel_of, wheel_names
from tests.packaging.setup_parts import VERSION, Transcript, make_wheel, publish, served


def test_a_wheel_in_the_index_is_found_and_fetched(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "")
    publish(tmp_path / "index", "cpu", make_wheel(tmp_path, "", version="0.3.1"))
    publish(tmp_path / "index", "cpu", wheel)
    space = tmp_path / "space"
    space.mkdir()
    with served(tmp_path / "index") as address:
        wheels = WheelIndex(address)
        assert wheels.holds("cpu", VERSION)
        assert not wheels.holds("cpu", "0.3.35")
        assert not wheels.holds("cu124", VERSION)
        pip = [sys.executable, "-m", "pip"]
        got = fetch(pip, wheels.page("cpu"), VERSION, space, tmp_path / "log", Transcript().console)
    assert got is not None
    assert got.read_bytes() == wheel.read_bytes()


def test_a_wheel_for_another_system_is_not_fetched(tmp_path: Path) -> None:
    publish(tmp_path / "index", "cpu", make_wheel(tmp_path, "", tag="py3-none-plan9_vax"))
    with served(tmp_path / "index") as address:
        wheels = WheelIndex(address)
        assert wheels.holds("cpu", VERSION)
        pip = [sys.executable, "-m", "pip"]
        assert fetch(pip, wheels.page("cpu"), VERSION, tmp_path, tmp_path / "log", Transcript().console) is None


def test_an_index_that_does_not_answer_is_asked_once() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        wheels = WheelIndex(f"http://127.0.0.1:{reserved.getsockname()[1]}")
        with pytest.raises(Unreachable, match="does not answer"):
            wheels.holds("cu124", VERSION)
        assert not wheels.holds("cpu", VERSION)


@pytest.mark.parametrize("address", ["http://example.org/whl", "ftp://example.org", "file:///tmp", "nonsense"])
def test_only_loopback_does_without_https(address: str) -> None:
    with pytest.raises(Unreachable, match="not an https address"):
        WheelIndex(address).holds("cpu", VERSION)


def test_the_page_may_link_anywhere_and_in_any_way() -> None:
    page = """
    <a href="https://example.org/v0.3.36/llama_cpp_python-0.3.36-py3-none-manylinux_2_28_x86_64.whl#sha256=00">x</a>
    <A HREF='llama_cpp_python-0.3.36%2Bcu124-py3-none-win_amd64.whl'>y</A>
    <a href="llama_cpp_python-0.3.36.tar.gz">z</a>
    """
    assert wheel_names(page) == [
        "llama_cpp_python-0.3.36-py3-none-manylinux_2_28_x86_64.whl",
        "llama_cpp_python-0.3.36+cu124-py3-none-win_amd64.whl",
    ]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("llama_cpp_python-0.3.36-py3-none-any.whl", True),
        ("llama_cpp_python-0.3.36+cu124-cp311-cp311-win_amd64.whl", True),
        ("llama_cpp_python-0.3.360-py3-none-any.whl", False),
        ("llama_cpp_python_extra-0.3.36-py3-none-any.whl", False),
    ],
)
def test_wheels_of_the_version(name: str, fits: bool) -> None:
    assert is_wheel_of(name, VERSION) is fits


def test_where_to_look(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    assert index_address({}, settings) == DEFAULT_INDEX
    settings.write_text("not JSON")
    assert index_address({}, settings) == DEFAULT_INDEX
    settings.write_text(json.dumps({"engine_index": None}))
    assert index_address({}, settings) == DEFAULT_INDEX
    settings.write_text(json.dumps({"engine_index": "https://mirror.example/whl/"}))
    assert index_address({}, settings) == "https://mirror.example/whl"
    assert index_address({"ALCOVE_ENGINE_INDEX": "https://other.example"}, settings) == "https://other.example"
    assert index_address({"ALCOVE_ENGINE_INDEX": ""}, settings) == ""
    assert index_address({"ALCOVE_OFFLINE": "1"}, settings) == ""
