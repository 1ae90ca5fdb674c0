"""Pictures over the private API: sent as bytes, checked, shown again, and given to models that see."""

import hashlib

import pytest
from msgspec.structs import replace

from app.protocol import AnswerFinished, Conversation, ImagePart, Message, MessageState, Started
from app.server.routes.images import UPLOAD_LIMIT, kind_of
from tests.server.scripted import Server, says

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
KINDS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0picture",
    "image/gif": b"GIF89apicture",
    "image/webp": b"RIFF\x08\x00\x00\x00WEBPpicture",
}


async def send(server: Server, data: bytes, kind: str = "image/png") -> str:
    response = await server.http.post("/api/images", content=data, headers={"content-type": kind})
    assert response.status_code == 200, response.text
    return str(response.json()["id"])


@pytest.mark.parametrize(("kind", "data"), KINDS.items())
async def test_a_picture_comes_back_as_it_was_sent(server: Server, kind: str, data: bytes) -> None:
    image_id = await send(server, data, kind)
    assert image_id == hashlib.sha256(data).hexdigest()
    shown = await server.http.get(f"/api/images/{image_id}")
    assert (shown.content, shown.headers["content-type"]) == (data, kind)


async def test_what_a_picture_is_its_bytes_say(server: Server) -> None:
    image_id = await send(server, KINDS["image/gif"], "image/png")
    assert (await server.http.get(f"/api/images/{image_id}")).headers["content-type"] == "image/gif"


@pytest.mark.parametrize("data", [b"<svg/>", b"\x89PNG", b"%PDF-1.7", b"RIFF\x08\x00\x00\x00WAVE", b""])
def test_other_files_are_no_pictures(data: bytes) -> None:
    assert kind_of(data) is None


async def test_what_is_no_picture_is_refused(server: Server) -> None:
    for data, kind in (
        (b"<svg/>", "image/svg+xml"),
        (PNG, "application/json"),
        (PNG, "text/plain"),
        (b"", "image/png"),
    ):
        response = await server.http.post("/api/images", content=data, headers={"content-type": kind})
        assert (response.status_code, response.json()["code"]) == (415, "image_unsupported")


async def test_a_picture_may_be_larger_than_other_bodies_but_not_boundless(server: Server) -> None:
    await send(server, PNG + bytes(UPLOAD_LIMIT - len(PNG)))
    too_much = await server.http.post(
        "/api/images", content=PNG + bytes(UPLOAD_LIMIT), headers={"content-type": "image/png"}
    )
    assert (too_much.status_code, too_much.json()["code"]) == (413, "request_too_large")
    assert too_much.json()["values"]["limit_bytes"] == UPLOAD_LIMIT


async def test_pictures_are_taken_nowhere_else(server: Server) -> None:
    response = await server.http.post("/api/conversations", content=PNG, headers={"content-type": "image/png"})
    assert (response.status_code, response.json()["code"]) == (415, "not_json")


@pytest.mark.parametrize("name", ["0" * 64, "x", "..%2Falcove.db"])
async def test_a_picture_that_is_not_here(server: Server, name: str) -> None:
    response = await server.http.get(f"/api/images/{name}")
    assert response.status_code == 404


async def ask_with(server: Server, *images: str) -> Message:
    """The answer to a question with these pictures."""
    conversation = await server.ask_for("POST", "/api/conversations", Conversation, {"model": "tiny"})
    path = f"/api/conversations/{conversation.id}/messages"
    started: Started = await server.ask_for("POST", path, Started, {"text": "What is this?", "images": images})
    assert started.question is not None
    assert started.question.images == images
    last = (await server.events(started))[-1]
    assert isinstance(last, AnswerFinished)
    return last.message


async def test_a_model_that_sees_gets_the_bytes(server: Server) -> None:
    server.script.loaded = replace(server.script.loaded, sees=True)
    server.script.acts = [says("A cat.")]
    message = await ask_with(server, await send(server, PNG))
    assert message.text == "A cat."
    assert server.script.asked[0].turns[0].images == (ImagePart(data=PNG),)


async def test_a_model_that_does_not_see_says_so_and_is_not_asked(server: Server) -> None:
    message = await ask_with(server, await send(server, PNG))
    assert message.state is MessageState.FAILED
    assert message.error is not None
    assert (message.error.code, message.error.values["model"]) == ("model_cannot_see", "Tiny")
    assert server.script.asked == []


async def test_a_question_with_a_missing_picture_is_refused(server: Server) -> None:
    conversation = await server.ask_for("POST", "/api/conversations", Conversation, {})
    path = f"/api/conversations/{conversation.id}/messages"
    assert (await server.refused("POST", path, {"text": "?", "images": ["0" * 64]}))[:2] == (404, "image_not_found")
    await send(server, PNG)
    assert await server.ask_for("GET", f"/api/conversations/{conversation.id}", Conversation) == conversation
