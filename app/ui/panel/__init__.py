"""The panel at the right of the chat: how the answers of this conversation are made."""

from app.ui.panel.panel import Panel

__all__ = ["Panel"]
