"""Things that can answer: the Backend protocol, a fake one for tests and the local engine."""
