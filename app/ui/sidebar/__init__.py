"""The left side: search, pages and the list of conversations."""

from app.ui.sidebar.sidebar import Sidebar

__all__ = ["Sidebar"]
