"""The tokens penalties look back on."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from app.backends.llama.sampling.edits import Window

TOKENS = st.lists(st.integers(0, 9), max_size=30)


@given(length=st.integers(-1, 12), prompt=TOKENS, written=TOKENS)
def test_it_holds_the_last_ones_each_once(length: int, prompt: list[int], written: list[int]) -> None:
    window = Window(length, prompt)
    for token in written:
        window.accept(token)
    kept = deque(prompt + written, maxlen=None if length < 0 else length)
    assert sorted(window.tokens().tolist()) == sorted(set(kept))
