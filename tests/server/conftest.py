"""A backend in the test's own process, whose engine plays from a script."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import add_model
from tests.server.scripted import Script, Server, serving


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def server(home: Path, script: Script) -> AsyncIterator[Server]:
    add_model(home)
    async with serving(home, script) as server:
        yield server
