from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.protocol import Conversation
from app.ui.sidebar.groups import Heading, arrange

conversations = st.lists(
    st.builds(
        Conversation,
        id=st.integers(1, 10**6),
        created=st.just(0.0),
        updated=st.floats(0, 1e6),
        pinned=st.booleans(),
        folder=st.sampled_from(["", "Work", "work", "Zoo"]),
    ),
    unique_by=lambda each: each.id,
)


def day(moment: float) -> str:
    return f"day {int(moment // 1000)}"


def make(number: int, updated: float, *, pinned: bool = False, folder: str = "") -> Conversation:
    return Conversation(id=number, created=0, updated=updated, pinned=pinned, folder=folder)


def shown(*rows: Conversation) -> list[str | int]:
    arranged = arrange(rows, "Pinned", day)
    return [row.text if isinstance(row, Heading) else row.id for row in arranged]


def test_pinned_then_folders_then_days() -> None:
    rows = [make(1, 3000), make(2, 500, pinned=True), make(3, 2500), make(4, 100, folder="Work"), make(5, 3500)]
    assert shown(*rows) == ["Pinned", 2, "Work", 4, "day 3", 5, 1, "day 2", 3]


def test_a_pinned_one_stands_once_even_in_a_folder() -> None:
    assert shown(make(1, 0, pinned=True, folder="Work")) == ["Pinned", 1]


def test_nothing_gives_nothing() -> None:
    assert shown() == []


def test_folders_are_marked_as_such() -> None:
    rows = arrange([make(1, 0, folder="Work"), make(2, 0)], "Pinned", day)
    assert [row.folder for row in rows if isinstance(row, Heading)] == [True, False]


@given(conversations)
def test_every_conversation_stands_exactly_once_under_a_heading(given_ones: list[Conversation]) -> None:
    rows = arrange(given_ones, "Pinned", day)
    ids = [row.id for row in rows if isinstance(row, Conversation)]
    assert sorted(ids) == sorted(each.id for each in given_ones)
    assert not rows or isinstance(rows[0], Heading)
    headings = [row for row in rows if isinstance(row, Heading)]
    assert len(headings) == len(set(headings))
    for row, following in pairwise(rows):
        assert not (isinstance(row, Heading) and isinstance(following, Heading))
