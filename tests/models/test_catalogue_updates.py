"""Updating the catalogue from a server on loopback: newer, older, broken, too large, unreachable, offline, refused."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import AppError
from app.models.catalogue import MOST_BYTES, bundled_catalogue, load_catalogue
from app.models.catalogue_updates import update_catalogue
from tests.models.test_catalogue import changed, renumbered


class Serving(http.server.ThreadingHTTPServer):
    """Answers every path with what the test put there: bytes, or an address to go to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.pages: dict[str, bytes | str] = {}
        self.asked: list[str] = []

    def put(self, page: bytes | str, path: str = "/catalogue.json") -> str:
        self.pages[path] = page
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Serving

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 302 if isinstance(page, str) else 200)
        if isinstance(page, str):
            self.send_header("Location", page)
        self.end_headers()
        if isinstance(page, bytes):
            self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    for name in ("ALCOVE_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Serving() as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "catalogue.json"


def kept(cached: Path) -> tuple[int, int, bytes] | None:
    """The file as it is: replaced by the same bytes it would be another."""
    return (cached.stat().st_ino, cached.stat().st_mtime_ns, cached.read_bytes()) if cached.exists() else None


async def test_a_newer_one_replaces_the_one_in_use(server: Serving, cached: Path) -> None:
    content = changed(lambda data: data.update(number=9, date="2027-01-02", models=data["models"][:16], outdated=[]))
    state = await update_catalogue(server.put(content), cached)
    assert (state.number, state.date, state.models, state.updated, state.bundled) == (9, "2027-01-02", 16, True, False)
    assert load_catalogue(cached).number == 9
    assert [path.name for path in cached.parent.iterdir()] == ["catalogue.json"], "nothing half-written stays"


@pytest.mark.parametrize("number", [8, 9])
async def test_what_is_not_newer_changes_nothing(server: Serving, cached: Path, number: int) -> None:
    await update_catalogue(server.put(renumbered(9)), cached)
    before = kept(cached)
    state = await update_catalogue(server.put(renumbered(number)), cached)
    assert (state.number, state.updated) == (9, False)
    assert kept(cached) == before


@pytest.mark.parametrize(
    "content", [b"", b"<html>sign in</html>", b" " * (MOST_BYTES + 1), changed(lambda data: data.update(schema=9))]
)
async def test_a_broken_one_changes_nothing(server: Serving, cached: Path, content: bytes) -> None:
    await update_catalogue(server.put(renumbered(5)), cached)
    before = kept(cached)
    with pytest.raises(AppError) as caught:
        await update_catalogue(server.put(content), cached)
    assert caught.value.code == "catalogue_broken"
    assert kept(cached) == before


async def test_a_redirect_is_followed_but_not_to_plain_http(server: Serving, cached: Path) -> None:
    target = server.put(renumbered(4), "/there")
    assert (await update_catalogue(server.put(target), cached)).number == 4
    with pytest.raises(AppError) as caught:
        await update_catalogue(server.put("http://192.0.2.1/catalogue.json"), cached)
    assert caught.value.code == "catalogue_address_refused"


async def test_a_circle_of_redirects_ends(server: Serving, cached: Path) -> None:
    address = server.put("/catalogue.json")
    with pytest.raises(AppError) as caught:
        await update_catalogue(address, cached)
    assert caught.value.code == "catalogue_unreachable"
    assert len(server.asked) < 10


async def test_a_missing_page_and_a_closed_port_are_told(server: Serving, cached: Path) -> None:
    address = server.put(b"", "/other").replace("other", "missing")
    with pytest.raises(AppError) as caught:
        await update_catalogue(address, cached)
    assert caught.value.code == "catalogue_unreachable"
    assert "404" in str(caught.value.values["reason"])
    with pytest.raises(AppError) as caught:
        await update_catalogue("http://127.0.0.1:1/catalogue.json", cached)
    assert caught.value.code == "catalogue_unreachable"
    assert kept(cached) is None


async def test_offline_asks_nobody(server: Serving, cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_OFFLINE", "1")
    with pytest.raises(AppError) as caught:
        await update_catalogue(server.put(renumbered(5)), cached)
    assert caught.value.code == "catalogue_offline"
    assert server.asked == []
    assert load_catalogue(cached) == bundled_catalogue()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "catalogue_no_address"),
        ("  ", "catalogue_no_address"),
        ("http://example.org/catalogue.json", "catalogue_address_refused"),
        ("http://192.0.2.1/catalogue.json", "catalogue_address_refused"),
        ("file:///etc/passwd", "catalogue_address_refused"),
        ("https://", "catalogue_address_refused"),
        ("https://a\x00b", "catalogue_address_refused"),
        ("catalogue.json", "catalogue_address_refused"),
    ],
)
async def test_addresses_that_are_not_asked(
    address: str, code: str, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALCOVE_OFFLINE", raising=False)
    with pytest.raises(AppError) as caught:
        await update_catalogue(address, cached)
    assert caught.value.code == code
