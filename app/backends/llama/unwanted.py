"""Said of work that nobody waits for any more."""


class UnwantedError(Exception):
    """Whoever asked has gone: there is nobody to answer."""
