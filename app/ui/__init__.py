"""The window: PySide6 widgets that talk to the backend over HTTP and never block."""
