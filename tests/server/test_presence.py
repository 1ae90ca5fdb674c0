import asyncio

import pytest

from app.errors import AppError
from app.server.presence import Presence


async def test_a_backend_nobody_comes_to_is_alone() -> None:
    presence = Presence(first_grace_s=0, grace_s=60)
    await presence.alone.wait()


async def test_alone_only_after_the_last_has_left() -> None:
    presence = Presence(first_grace_s=60, grace_s=0)
    first, second = presence.enter("window"), presence.enter("chat")
    assert first != second
    assert first.startswith("window-")
    presence.leave(first)
    await asyncio.sleep(0)
    assert not presence.alone.is_set()
    assert second in presence
    assert first not in presence
    presence.leave(second)
    await presence.alone.wait()


async def test_coming_back_within_the_grace_keeps_the_backend() -> None:
    presence = Presence(first_grace_s=0, grace_s=0)
    presence.leave(presence.enter("window"))
    stays = presence.enter("window")
    for _ in range(5):
        await asyncio.sleep(0)
    assert not presence.alone.is_set()
    assert len(presence) == 1
    presence.leave(stays)
    await presence.alone.wait()


async def test_leaving_twice_is_harmless() -> None:
    presence = Presence(first_grace_s=60, grace_s=60)
    client = presence.enter("")
    presence.leave(client)
    presence.leave(client)
    assert len(presence) == 0


async def test_nobody_comes_to_a_backend_that_is_ending() -> None:
    presence = Presence(first_grace_s=0, grace_s=60)
    await presence.alone.wait()
    with pytest.raises(AppError) as refused:
        presence.enter("window")
    assert refused.value.code == "backend_gone"
    assert len(presence) == 0
