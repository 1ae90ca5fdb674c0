"""The public port, and the page that opens it."""
