"""A machine, its checks, its memory, advice and measurements, as the backend would tell them."""

import pytest

from app.protocol import CalibrationState
from tests.ui.fake_client import FakeClient
from tests.ui.hardware.said import ADVICE, CHECKS, KNOWN, ROWS, SAMPLE


@pytest.fixture
def told(client: FakeClient) -> FakeClient:
    """A client whose backend knows everything the page asks for."""
    client.answers["GET /api/hardware"] = KNOWN
    client.answers["GET /api/doctor"] = CHECKS
    client.answers["GET /api/memory"] = SAMPLE
    client.answers["GET /api/advice"] = [ADVICE]
    client.answers["GET /api/calibration"] = CalibrationState()
    client.answers["GET /api/measurements"] = ROWS
    return client
