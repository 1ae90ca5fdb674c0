"""Tests of the list of shown messages."""

import pytest
from PySide6.QtWidgets import QApplication

from app.protocol import MessageState, Role
from app.ui.chat.branch import Branch
from tests.ui.chat.conftest import message, question


@pytest.fixture
def branch(qapp: QApplication) -> Branch:
    made = Branch()
    made.show([question(1), message(2, parent_id=1), question(3, parent_id=2), message(4, parent_id=3)])
    return made


def ids(branch: Branch) -> list[int]:
    return [each.id for each in branch.messages]


def test_a_grafted_message_ends_what_followed_its_parent(branch: Branch) -> None:
    branch.graft(question(5, parent_id=2), message(6, parent_id=5))
    assert ids(branch) == [1, 2, 5, 6]


def test_a_new_first_message_takes_the_place_of_all(branch: Branch) -> None:
    branch.graft(question(5), message(6, parent_id=5))
    assert ids(branch) == [5, 6]


def test_older_messages_come_before_and_do_not_ask_for_the_end(branch: Branch) -> None:
    follows: list[bool] = []
    branch.changed.connect(follows.append)
    branch.prepend([question(-1), message(0, parent_id=-1)], has_more=True)
    assert ids(branch) == [-1, 0, 1, 2, 3, 4]
    assert branch.has_more
    assert follows == [False]
    branch.graft(question(9, parent_id=4))
    assert branch.has_more
    assert follows == [False, True]


def test_only_a_known_message_is_put(branch: Branch) -> None:
    told: list[object] = []
    branch.message_changed.connect(told.append)
    branch.put(message(9, text="elsewhere"))
    assert (ids(branch), told) == ([1, 2, 3, 4], [])
    changed = message(2, text="Because.", parent_id=1)
    branch.put(changed)
    assert branch.messages[1] == changed
    assert told == [changed]


def test_the_answer_being_written_is_the_last_message(branch: Branch) -> None:
    assert branch.answering is None
    begun = message(4, parent_id=3, state=MessageState.STREAMING)
    branch.put(begun)
    assert branch.answering == begun
    branch.show([begun, question(5)])
    assert branch.answering is None


def test_the_last_of_each_kind(branch: Branch) -> None:
    branch.graft(question(5, parent_id=4))
    assert branch.last(Role.USER) == question(5, parent_id=4)
    assert branch.last(Role.ASSISTANT) == message(4, parent_id=3)
    assert branch.last(Role.TOOL) is None
    assert branch.knows(5)
    assert not branch.knows(6)
