"""Full-text search over titles and messages, on a connection of its own that never waits for a writer.

All words must occur; words in quotes must stand together; the last word may still be incomplete. Titles come first,
then messages in which the words stand together, then the others; each newest first. Ranking stops there: bm25 over the
tens of thousands of messages that hold a common word takes longer than a person's next key.
"""

import re
import sqlite3
from pathlib import Path

from app.protocol import SearchHit
from app.store.database import Database, open_reader
from app.store.segments import segment
from app.store.snippets import Highlighter, Word, has_signs, together

LONGEST_QUERY = 200
"""Characters that are looked at."""
TITLE_SHARE = 4
"""At most one in so many hits is a title, so that titles never crowd out messages."""

_words = re.compile(r'"([^"]*)"|([^\s"]+)')
_quotes = str.maketrans("“”„«»「」\0", '"""""""' + " ")


class Search:
    """Finds text in what has been committed. To be used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Raises AppError where the database cannot be read; it must have been opened by a writer before."""
        self._db: Database = open_reader(path)

    def close(self) -> None:
        self._db.close()

    def find(self, query: str, limit: int = 50) -> list[SearchHit]:
        """Titles and messages that match, at most `limit`; nothing for a query without a letter or digit."""
        words = parse(query)
        if not words or limit < 1:
            return []
        highlighter = Highlighter(words)
        hits = self._titles(words, highlighter, max(1, limit // TITLE_SHARE))
        return hits + [_message_hit(row, highlighter) for row in self._messages(words, limit - len(hits))]

    def _titles(self, words: list[Word], highlighter: Highlighter, limit: int) -> list[SearchHit]:
        rows = self._db.rows(
            """
            SELECT conversations.* FROM conversations_search
            CROSS JOIN conversations ON conversations.id = conversations_search.rowid
            WHERE conversations_search MATCH ? AND deleted_at IS NULL
            ORDER BY updated DESC LIMIT ?
            """,
            (_match(words), limit),
        )
        return [_title_hit(row, highlighter) for row in rows]

    def _messages(self, words: list[Word], limit: int) -> list[sqlite3.Row]:
        """Rows of messages: those with the words together, then those with the words anywhere."""
        anywhere = self._matching(_match(words), limit)
        if len(words) == 1 or not anywhere:
            return anywhere
        near = self._matching(_match([together(words)]), limit)
        found = {row["id"]: row for row in (*near, *anywhere)}
        return list(found.values())[:limit]

    def _matching(self, expression: str, limit: int) -> list[sqlite3.Row]:
        """The newest messages that match. CROSS JOIN keeps the index outermost: it stops after `limit` rows."""
        return self._db.rows(
            """
            SELECT messages.id, messages.conversation_id, messages.text, messages.created, conversations.title
            FROM messages_search
            CROSS JOIN messages ON messages.id = messages_search.rowid
            CROSS JOIN conversations ON conversations.id = messages.conversation_id
            WHERE messages_search MATCH ? AND messages.deleted_at IS NULL AND conversations.deleted_at IS NULL
            ORDER BY messages_search.rowid DESC LIMIT ?
            """,
            (expression, limit),
        )


def parse(query: str) -> list[Word]:
    """The words of a query, quoted ones together; a last word outside quotes is a beginning."""
    plain = query[:LONGEST_QUERY].encode(errors="ignore").decode().translate(_quotes)
    found = [(quoted or bare, bool(bare)) for quoted, bare in _words.findall(plain)]
    kept = [(text, bare) for text, bare in found if has_signs(text)]
    return [Word(text, prefix=bare and index == len(kept) - 1) for index, (text, bare) in enumerate(kept)]


def _match(words: list[Word]) -> str:
    """The query in FTS5's language; every word is a string there, so that none of its signs mean anything."""
    return " AND ".join(f'"{segment(word.text)}"' + (" *" if word.prefix else "") for word in words)


def _title_hit(row: sqlite3.Row, highlighter: Highlighter) -> SearchHit:
    title = row["title"]
    return SearchHit(
        conversation_id=row["id"], title=title, snippet=title, marks=highlighter.marks(title), created=row["created"]
    )


def _message_hit(row: sqlite3.Row, highlighter: Highlighter) -> SearchHit:
    snippet, marks = highlighter.snippet(row["text"])
    return SearchHit(
        conversation_id=row["conversation_id"],
        message_id=row["id"],
        title=row["title"],
        snippet=snippet,
        marks=marks,
        created=row["created"],
    )
