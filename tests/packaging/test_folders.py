"""The set-up uses the same folders as the app, without platformdirs."""

import sys
from pathlib import Path

import platformdirs
import pytest

from alcove_setup.layout import Layout

HOME = {"HOME": "/home/ann"}
CHECKOUT = Path("/src/alcove")


@pytest.mark.parametrize(
    ("platform", "environ", "engines", "data"),
    [
        ("linux", HOME, "/home/ann/.cache/alcove/engine", "/home/ann/.local/share/alcove"),
        ("linux", HOME | {"XDG_CACHE_HOME": "/big", "XDG_DATA_HOME": "/d"}, "/big/alcove/engine", "/d/alcove"),
        ("linux", HOME | {"ALCOVE_HOME": "/else"}, "/home/ann/.cache/alcove/engine", "/else"),
        (
            "darwin",
            HOME,
            "/home/ann/Library/Caches/alcove/engine",
            "/home/ann/Library/Application Support/alcove",
        ),
        ("win32", {"LOCALAPPDATA": "C:/L"}, "C:/L/alcove/Cache/engine", "C:/L/alcove"),
    ],
)
def test_folders(platform: str, environ: dict[str, str], engines: str, data: str) -> None:
    layout = Layout.current(CHECKOUT, platform, environ)
    assert (layout.engines, layout.data) == (Path(engines), Path(data))
    assert layout.venv == CHECKOUT / ".venv"


def test_they_are_the_apps_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {name: str(tmp_path / name) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    layout = Layout.current(CHECKOUT, sys.platform, environ)
    assert layout.cache == platformdirs.user_cache_path("alcove", appauthor=False)
    assert layout.data == platformdirs.user_data_path("alcove", appauthor=False)
