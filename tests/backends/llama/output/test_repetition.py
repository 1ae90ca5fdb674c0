"""Answers that go round in circles are noticed; tables, code, lists and poems are not taken for such."""

import re
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.llama.output.repetition import CYCLE_TOKENS, HISTORY, RepetitionFinder


def tokens_of(text: str) -> list[int]:
    """About as a vocabulary cuts text: words with their space, numbers by three digits, marks, indents."""
    return [zlib.crc32(piece.encode()) for piece in re.findall(r" ?[A-Za-z_]+|\d{1,3}| ?[^\w\s]{1,2}|\s+|\w", text)]


def found_at(tokens: Iterable[int]) -> int | None:
    """After how many tokens the finder speaks up."""
    finder = RepetitionFinder()
    return next((count for count, token in enumerate(tokens, 1) if finder.feed(token)), None)


SENTENCE = "I am sorry, but I cannot help with that request, since it is not something that I know about. "
VERSE = "And the river runs, and the river sings,\nand nobody knows what the morning brings.\n"
PROSE = [
    f"In {1900 + 7 * n} the {noun} of {place} {verb} for {n + 2} days, which {who} called a {what}.\n"
    for n, (noun, place, verb, who, what) in enumerate(
        (noun, place, verb, who, what)
        for noun in ("mayor", "bridge", "library", "orchestra")
        for place in ("Lyon", "Osaka", "Cork")
        for verb, who, what in (("closed", "the papers", "scandal"), ("rested", "everybody", "blessing"))
    )
]


@pytest.mark.parametrize("period", [1, 2, 3, 7, 20, 63, 64, 100, 500])
def test_cycles_are_found_soon_and_not_too_soon(period: int) -> None:
    tokens = list(range(1000, 1000 + period)) * (6000 // period)
    found = found_at(tokens)
    assert found is not None
    assert max(CYCLE_TOKENS, 4 * period) <= found <= max(CYCLE_TOKENS, 8 * period) + 12


@given(start=st.integers(0, 300), period=st.integers(1, 200))
@settings(deadline=None, max_examples=40)
def test_a_cycle_is_found_wherever_it_begins(start: int, period: int) -> None:
    tokens = [*range(start), *(list(range(9000, 9000 + period)) * (3000 // period + 2))]
    found = found_at(tokens)
    assert found is not None
    assert start < found <= start + max(CYCLE_TOKENS, 8 * period) + 12


def test_a_cycle_late_in_a_long_answer_is_found() -> None:
    lead = 3 * HISTORY
    found = found_at([*range(lead), *([1, 2, 3, 4, 5] * 200)])
    assert found is not None
    assert lead < found <= lead + CYCLE_TOKENS + 20


def test_a_sentence_for_ever_and_a_paragraph_for_ever_are_found() -> None:
    assert found_at(tokens_of(SENTENCE * 60)) is not None
    assert found_at(tokens_of("".join(PROSE[:8]) * 12)) is not None


def test_a_loop_with_a_counter_is_found() -> None:
    text = "".join(
        f"Step {n}: {SENTENCE}So we try the same thing again and see what comes of it.\n" for n in range(200)
    )
    assert found_at(tokens_of(text)) is not None


TABLE = "| Name | Year | Open | Note |\n|------|------|------|------|\n" + "".join(
    f"| Item {n} | {1990 + n} | {'yes' if n % 3 else 'no'} | - |\n" for n in range(120)
)
HTML = "<table>\n" + "".join(
    f'  <tr class="row"><td class="name">Item {n}</td><td class="num">{n * 37 % 101}</td></tr>\n' for n in range(90)
)
JSON = "[" + ",\n".join(
    f'{{"id": {n}, "name": "user{n * 7}", "active": true, "role": "member", "score": {n * n % 97}, "tags": []}}'
    for n in range(100)
)
CODE = "".join(
    f"    public int get{name}() {{\n        return this.{name.lower()};\n    }}\n\n"
    for name in ("Width", "Height", "Depth", "Colour", "Weight", "Price", "Owner", "Maker", "Place", "Shelf") * 4
)
ENUM = "".join(f"    VALUE_{n} = {n}\n" for n in range(300))
ZEROS = "table = [\n" + "".join(f"    [{'0, ' * 15}{n % 2}],\n" for n in range(12)) + "]"
SONG = "".join(f"{verse}{VERSE}{VERSE}\n" for verse in ("".join(PROSE[n : n + 3]) for n in range(0, 15, 3)))
CHECKLIST = "".join(f"- [ ] {line}" for line in PROSE) + "- [ ] \n" * 20
COUNTING = ", ".join(str(n) for n in range(1000))
LINES = "\n".join("-" * 60 for _ in range(4))
DIFF = "".join(f"-    assert value_{n} == {n}\n+    assert value_{n} == {n + 1}\n" for n in range(120))
CSV = "".join(f"2024-01-{n % 28 + 1:02},{n * 13 % 50},0,0,0,0,{n % 7}\n" for n in range(150))


HONEST = {
    "table": TABLE, "html": HTML, "json": JSON, "code": CODE, "enum": ENUM, "zeros": ZEROS, "song": SONG,
    "checklist": CHECKLIST, "counting": COUNTING, "lines": LINES, "diff": DIFF, "csv": CSV, "prose": "".join(PROSE),
    "refusal": SENTENCE * 4,
}  # fmt: skip


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_what_repeats_for_good_reason_is_left_alone(text: str) -> None:
    assert found_at(tokens_of(text)) is None


def test_its_memory_is_bounded() -> None:
    finder = RepetitionFinder()
    for token in range(10 * HISTORY):
        finder.feed(token)
    assert len(finder._tokens) <= 2 * HISTORY
    assert len(finder._seen) <= HISTORY
