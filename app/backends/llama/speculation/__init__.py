"""Guesses what comes next, so that several tokens are computed at once; the answer stays the model's own."""
