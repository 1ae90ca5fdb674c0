"""Turns a typed function into a route: body decoded to a struct, result encoded as JSON, errors given their status."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import AppError
from app.paths import Paths
from app.server.statuses import error_response

Body = TypeVar("Body")

_GREATEST_ID = 2**63 - 1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call(Generic[Body]):
    """One request, as a handler sees it."""

    request: Request
    body: Body

    @property
    def id(self) -> int:
        """The number in the path. Raises AppError("route_not_found") for one that no id can be."""
        number = int(self.request.path_params["id"])
        if number > _GREATEST_ID:
            raise AppError("route_not_found", path=self.request.url.path[:100])
        return number

    @property
    def name(self) -> str:
        """The name in the path."""
        return str(self.request.path_params["name"])

    @property
    def client_id(self) -> str:
        """The presence the caller says it belongs to; empty where it says none."""
        return self.request.headers.get("x-alcove-client", "")

    def text(self, name: str) -> str:
        """A query parameter; empty where it is missing."""
        return self.request.query_params.get(name, "")

    def flag(self, name: str) -> bool:
        return self.text(name) in ("1", "true")

    def number(self, name: str) -> int | None:
        """A whole number of the query, None where it is missing. Raises AppError("bad_request")."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise AppError("bad_request", reason=f"{name} is a whole number")
        return int(text)

    def limit(self, default: int, most: int = 1000) -> int:
        """The `limit` of the query, at most `most`."""
        number = self.number("limit")
        return min(default if number is None else number, most)


Handler = Callable[[Call[Any]], Awaitable[object]]


def endpoint(method: str, path: str, handler: Handler, body: type | None = None) -> Route:
    """A route of the private API. The handler returns something msgspec can encode, or a Response of its own.

    An empty body stands for a body with all its defaults.
    """
    decoder: msgspec.json.Decoder[Any] | None = msgspec.json.Decoder(body) if body is not None else None

    async def respond(request: Request) -> Response:
        try:
            decoded = decoder.decode(await request.body() or b"{}") if decoder is not None else None
            result = await handler(Call(request, decoded))
            return result if isinstance(result, Response) else _json(result)
        except msgspec.MsgspecError as error:
            return error_response(AppError("bad_request", reason=str(error)))
        except Exception as error:  # noqa: BLE001 (the edge of a request)
            return error_response(told(error, f"{method} {path}"))

    return Route(path, respond, methods=[method])


def told(error: BaseException, doing: str) -> AppError:
    """What a person is told: an expected error as it is; of a bug its kind, the rest goes to the log."""
    if isinstance(error, AppError):
        return error
    _log.error("%s failed", doing, exc_info=error)
    return AppError("internal", reason=type(error).__name__, folder=str(Paths.current().logs))


def application(routes: list[Route], refuse: Callable[[AppError], Response] = error_response) -> Starlette:
    """The routes as an application whose own refusals (no such route, wrong method) look like all errors."""

    async def on_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            response = refuse(AppError("method_not_allowed", method=request.method, path=request.url.path))
            response.headers.update(error.headers or {})
            return response
        return refuse(AppError("route_not_found", path=request.url.path))

    app = Starlette(routes=list(routes), exception_handlers={HTTPException: on_http_error})
    app.router.redirect_slashes = False
    return app


def _json(result: object) -> Response:
    return Response(msgspec.json.encode(result), 200, media_type="application/json")
