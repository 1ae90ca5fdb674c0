"""The routes about advice: for this machine, for a described one, and a newer catalogue from the settings' address."""

import msgspec
import pytest

from app.protocol import Advice, CatalogueState, ErrorInfo, Use
from tests.models.test_catalogue import renumbered
from tests.models.test_catalogue_updates import Serving
from tests.models.test_catalogue_updates import server as catalogue_server  # noqa: F401 (a fixture)
from tests.server.scripted import Server

DESKTOP = "RTX 4070 12 GB, 32 GB RAM"


async def asked(server: Server, **query: str) -> list[Advice]:
    response = await server.http.get("/api/advice", params=query)
    assert response.status_code == 200, response.text
    return msgspec.json.decode(response.content, type=list[Advice])


async def refused(server: Server, **query: str) -> tuple[int, ErrorInfo]:
    response = await server.http.get("/api/advice", params=query)
    return response.status_code, msgspec.json.decode(response.content, type=ErrorInfo)


async def test_a_described_machine_gets_advice_for_every_use(server: Server) -> None:
    advice = await asked(server, machine=DESKTOP)
    assert [one.use for one in advice] == list(Use)
    assert all(one.balanced is not None for one in advice)
    assert all(one.assumptions for one in advice)


async def test_one_use_and_a_context_that_is_kept_to(server: Server) -> None:
    (advice,) = await asked(server, machine=DESKTOP, use="code", context="65536")
    assert advice.use is Use.CODE
    assert advice.ranked
    assert all(one.plan.context_length >= 65536 for one in advice.ranked)


async def test_this_machine_is_looked_at_where_none_is_described(server: Server) -> None:
    (advice,) = await asked(server, use="chat")
    assert advice.assumptions == ()
    assert advice.ranked or advice.nothing is not None


async def test_what_if_departs_from_this_machine(server: Server) -> None:
    (advice,) = await asked(server, use="chat", machine="what if I had an RTX 4090 and 64 GB RAM")
    assert advice.assumptions[0].code == "assumed_this_machine"
    assert advice.balanced is not None
    assert advice.balanced.parameters > 20


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"use": "dancing"}, "bad_request"),
        ({"context": "0"}, "bad_request"),
        ({"context": "99999999999"}, "bad_request"),
        ({"context": "many"}, "bad_request"),
        ({"machine": "hello"}, "machine_not_understood"),
    ],
)
async def test_what_cannot_be_meant_is_refused(server: Server, query: dict[str, str], code: str) -> None:
    status, error = await refused(server, **query)
    assert (status, error.code) == (400, code)


async def test_an_update_is_used_from_then_on(server: Server, catalogue_server: Serving) -> None:  # noqa: F811
    response = await server.http.post("/api/catalogue/update")
    assert (response.status_code, msgspec.json.decode(response.content, type=ErrorInfo).code) == (
        400,
        "catalogue_no_address",
    )
    address = catalogue_server.put(renumbered(12))
    await server.http.patch("/api/settings", json={"catalogue_address": address})
    response = await server.http.post("/api/catalogue/update")
    state = msgspec.json.decode(response.content, type=CatalogueState)
    assert (state.number, state.updated, state.bundled) == (12, True, False)
    assert await asked(server, machine=DESKTOP, use="chat")
