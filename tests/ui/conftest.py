"""Fixtures of the window's tests: offscreen, each test with the default language and look."""

import os
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app.settings import LanguageChoice, Settings
from app.ui.theme import theme_source
from app.ui.translate import translations
from tests.ui.fake_client import FakeClient

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(autouse=True)
def plain_look(qapp: QApplication) -> Iterator[None]:
    """Light, English, 100 percent, before and after."""
    _reset()
    yield
    _reset()


@pytest.fixture
def client(qapp: QApplication) -> FakeClient:
    return FakeClient()


def _reset() -> None:
    translations().use(LanguageChoice.ENGLISH)
    theme_source().use(Settings())
