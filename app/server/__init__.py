"""The backend process: one event loop that owns the data, the engines and both ports."""
