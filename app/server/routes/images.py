"""The routes about pictures: they are sent as bytes, kept once, and shown again."""

import time

from starlette.responses import Response
from starlette.routing import Route

from app.errors import AppError
from app.protocol import Wire
from app.server.endpoint import Call, endpoint
from app.server.services import Services
from app.store.images import Image

UPLOAD_PATH = "/api/images"
UPLOAD_LIMIT = 20 * 1024**2


class Kept(Wire, frozen=True, kw_only=True):
    """The name under which a picture is kept: the SHA-256 of its bytes."""

    id: str


class ImageRoutes:
    def __init__(self, services: Services) -> None:
        self._storage = services.storage

    def routes(self) -> list[Route]:
        return [
            endpoint("POST", UPLOAD_PATH, self.add),
            endpoint("GET", "/api/images/{name}", self.get),
        ]

    async def add(self, call: Call[None]) -> Kept:
        data = await call.request.body()
        kind = kind_of(data)
        if kind is None:
            raise AppError("image_unsupported")
        return Kept(id=await self._storage.do(lambda store: store.add_image(Image(kind, data), time.time())))

    async def get(self, call: Call[None]) -> Response:
        image = await self._storage.do(lambda store: store.image(call.name))
        return Response(image.data, 200, {"cache-control": "private, immutable, max-age=86400"}, image.kind)


def kind_of(data: bytes) -> str | None:
    """The media type that the first bytes of a file show; None for all that is no picture we know."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
