"""The private API, one module per noun."""
