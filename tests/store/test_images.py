"""Pictures: each is kept once, and as long as a message that could still be shown refers to it."""

import contextlib
import hashlib

import pytest

from app.errors import AppError
from app.protocol import NewMessage
from app.store.conversations import KEPT_S
from app.store.images import UNSENT_S, Image
from app.store.store import Store
from tests.store.talk import MODEL, ask, start

PICTURE = Image("image/png", b"\x89PNG picture")


def send(store: Store, *image_ids: str) -> int:
    """A question with pictures in a conversation of its own. Returns the question's id."""
    asked = NewMessage(text="What is this?", images=image_ids)
    question = store.begin_answer(start(store).id, asked, MODEL, 2.0).question
    assert question is not None
    return question.id


def is_kept(store: Store, image_id: str) -> bool:
    with contextlib.suppress(AppError):
        return store.image(image_id) == PICTURE
    return False


def test_a_picture_is_kept_once_under_its_hash(store: Store) -> None:
    first = store.add_image(PICTURE, 1.0)
    assert first == hashlib.sha256(PICTURE.data).hexdigest() == store.add_image(PICTURE, 2.0)
    assert store.image(first) == PICTURE


def test_a_message_names_its_pictures_in_their_order(store: Store) -> None:
    ids = tuple(store.add_image(Image("image/gif", bytes([number])), 1.0) for number in (3, 1, 2))
    assert store.message(send(store, *ids)).images == ids


def test_a_question_with_a_missing_picture_is_not_stored(store: Store) -> None:
    made = start(store)
    with pytest.raises(AppError) as refused:
        store.begin_answer(made.id, NewMessage(text="?", images=("0" * 64,)), MODEL, 1.0)
    assert refused.value.code == "image_not_found"
    assert store.page(made.id, 10).messages == []


def test_a_picture_nobody_sent_goes_after_a_day(store: Store) -> None:
    image_id = store.add_image(PICTURE, 10.0)
    store.purge(10.0 + UNSENT_S)
    assert is_kept(store, image_id)
    store.purge(11.0 + UNSENT_S)
    with pytest.raises(AppError) as missing:
        store.image(image_id)
    assert missing.value.code == "image_not_found"


def test_a_picture_outlives_the_time_of_undo_and_no_more(store: Store) -> None:
    image_id = store.add_image(PICTURE, 1.0)
    question = send(store, image_id)
    store.delete_message(question, now=100.0 + UNSENT_S)
    store.purge(100.0 + UNSENT_S + KEPT_S)
    assert is_kept(store, image_id)
    store.purge(101.0 + UNSENT_S + KEPT_S)
    assert not is_kept(store, image_id)


def test_a_picture_of_two_messages_stays_with_the_other(store: Store) -> None:
    image_id = store.add_image(PICTURE, 1.0)
    gone = store.message(send(store, image_id)).conversation_id
    send(store, image_id)
    store.delete(gone, now=1.0)
    store.purge(UNSENT_S + 2 * KEPT_S)
    assert is_kept(store, image_id)


def test_a_picture_sent_again_long_after_counts_as_new(store: Store) -> None:
    image_id = store.add_image(PICTURE, 1.0)
    store.add_image(PICTURE, 2.0 + UNSENT_S)
    store.purge(3.0 + UNSENT_S)
    assert is_kept(store, image_id)


def test_a_database_full_of_messages_without_pictures_loses_none(store: Store) -> None:
    ask(store, start(store).id, "No picture")
    image_id = store.add_image(PICTURE, 1.0)
    store.purge(2.0)
    assert is_kept(store, image_id)
