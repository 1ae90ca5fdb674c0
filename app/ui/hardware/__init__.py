"""The page that shows this computer."""

from app.ui.hardware.page import HardwarePage

__all__ = ["HardwarePage"]
