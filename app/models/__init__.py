"""Which models are here: the library on this disk."""
