"""Rows of the database as the structs of app.protocol, and back."""

import sqlite3

import msgspec

from app.protocol import Conversation, ErrorInfo, GenerationStats, Message, MessageState, Options, Role, ToolCall

_encoder = msgspec.json.Encoder()
_options = msgspec.json.Decoder(Options)
_tool_calls = msgspec.json.Decoder(tuple[ToolCall, ...])
_images = msgspec.json.Decoder(tuple[str, ...])
_stats = msgspec.json.Decoder(GenerationStats)
_error = msgspec.json.Decoder(ErrorInfo)


def conversation(row: sqlite3.Row) -> Conversation:
    """The struct of a row of `conversations`."""
    return Conversation(
        id=row["id"],
        title=row["title"],
        created=row["created"],
        updated=row["updated"],
        pinned=bool(row["pinned"]),
        folder=row["folder"],
        model=row["model"],
        system_prompt=row["system_prompt"],
        options=Options() if row["options"] is None else _options.decode(row["options"]),
        leaf_id=row["leaf_id"],
    )


def message(row: sqlite3.Row, siblings: tuple[int, ...] = ()) -> Message:
    """The struct of a row of `messages`; `siblings` are the ids of all versions of it."""
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        parent_id=row["parent_id"],
        role=Role(row["role"]),
        text=row["text"],
        thinking=row["thinking"],
        state=MessageState(row["state"]),
        created=row["created"],
        model=row["model"],
        stats=None if row["stats"] is None else _stats.decode(row["stats"]),
        error=None if row["error"] is None else _error.decode(row["error"]),
        siblings=siblings,
        tool_calls=() if row["tool_calls"] is None else _tool_calls.decode(row["tool_calls"]),
        tool_call_id=row["tool_call_id"],
        images=() if row["images"] is None else _images.decode(row["images"]),
        context_from=row["context_from"],
    )


def column(value: object) -> str | None:
    """A struct or a list as the JSON text of its column; nothing, an empty list and a struct of defaults are NULL."""
    text = "" if value is None else _encoder.encode(value).decode()
    return None if text in ("", "{}", "[]") else text
