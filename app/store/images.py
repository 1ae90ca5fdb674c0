"""The pictures of conversations, each kept once under the SHA-256 of its bytes, as long as a message refers to it."""

import hashlib

from msgspec import Struct

from app.errors import AppError
from app.store.database import Database

UNSENT_S = 24 * 3600.0
"""How long a picture is kept that no message refers to: it may still be sent."""


class Image(Struct, frozen=True):
    """A picture; `kind` is its media type, such as "image/png"."""

    kind: str
    data: bytes


def add(db: Database, image: Image, now: float) -> str:
    """Keep a picture. Returns its id; one that is here already only becomes younger."""
    image_id = hashlib.sha256(image.data).hexdigest()
    with db.transaction():
        db.rows(
            "INSERT INTO images (id, kind, created, bytes) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET created = excluded.created",
            (image_id, image.kind, now, image.data),
        )
    return image_id


def get(db: Database, image_id: str) -> Image:
    """One picture. Raises AppError("image_not_found")."""
    row = db.row("SELECT kind, bytes FROM images WHERE id = ?", (image_id,))
    if row is None:
        raise AppError("image_not_found", id=image_id[:64])
    return Image(row["kind"], row["bytes"])


def check(db: Database, image_ids: tuple[str, ...]) -> None:
    """Raise AppError("image_not_found") where one is missing."""
    for image_id in image_ids:
        if db.row("SELECT 1 FROM images WHERE id = ?", (image_id,)) is None:
            raise AppError("image_not_found", id=image_id[:64])


def drop_unused(db: Database, now: float) -> None:
    """Remove those nothing refers to; messages that can still be restored do."""
    db.rows(
        """
        DELETE FROM images WHERE created < ? AND id NOT IN (
            SELECT used.value FROM messages JOIN json_each(messages.images) AS used WHERE messages.images IS NOT NULL
        )
        """,
        (now - UNSENT_S,),
    )
