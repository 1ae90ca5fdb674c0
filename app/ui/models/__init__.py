"""The page of the models that are here."""

from app.ui.models.page import ModelsPage

__all__ = ["ModelsPage"]
