"""A backend that knows everything the page asks for."""

import pytest

from tests.ui.fake_client import FakeClient
from tests.ui.hardware.said import tell_everything


@pytest.fixture
def told(client: FakeClient) -> FakeClient:
    """A client of such a backend."""
    tell_everything(client)
    return client
