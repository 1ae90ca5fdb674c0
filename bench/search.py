"""How long searching 100,000 messages takes, snippets included, and how long opening a conversation of 2,000.

`python -m bench.search [--db FOLDER] [--messages N] [--rounds N]`; with `--db` the database is built there once and
used again.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from app.protocol import NewConversation
from app.store.database import Database, open_database
from app.store.search import Search
from app.store.store import Store
from bench.common import percentile, print_result

SEED = 20
LONG_CONVERSATION = 2_000
"""Messages of the conversation that is opened, the first; the others have PER_CONVERSATION."""
LONG_ID = 1
PER_CONVERSATION = 40

_ENGLISH = """
    the a model quantization memory context token layer weight graphics card runs slowly because of and with your prompt
    answer cache processor download file is are loaded into before after size bits speed faster smaller larger attention
    window chat template sampling temperature seed python function return value list table row column
"""
_CHINESE = (
    "模型量化显存内存上下文词元层权重显卡运行速度因为提示回答缓存处理器下载文件加载大小位更快更小注意力窗口"
    "聊天模板采样温度种子函数返回表格的是在了和有这我你们什么怎样可以"
)
QUERIES = {
    "one_char_zh": ["的", "显", "卡", "模", "度", "鑫"],
    "two_char_zh": ["显存", "模型", "量化", "上下", "温度", "函数"],
    "common": ["the", "model", "memory", "context", "token", "a"],
    "prefix": ["q", "qu", "quant", "mem", "te", "p"],
    "two_words": ["memory card", "model 显存", "python function", "the qua", "量化 模型", "speed faster"],
    "absent": ["zzyzx", "龘", "memory zzyzx", "龘龘", "qqq", '"speed the zebra"'],
}


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.db or Path(temporary)
        path = folder / f"search-{arguments.messages}.db"
        built_s = _build(path, arguments.messages) if not path.exists() else None
        opened = time.perf_counter()
        db = open_database(path)
        open_s = time.perf_counter() - opened
        print_result(
            "search",
            messages=arguments.messages,
            bytes=path.stat().st_size,
            build_s=built_s and round(built_s, 1),
            database_open_ms=round(open_s * 1000, 1),
            page_open_ms=_page(Store(db), arguments.rounds),
            **_searches(path, arguments.rounds),
        )
        db.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--db", type=Path, help="folder that keeps the database between runs")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


def _build(path: Path, messages: int) -> float:
    """Write the database through the real schema and triggers. Returns the seconds it took."""
    began = time.perf_counter()
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    db = open_database(part)
    chance = random.Random(SEED)
    with db.transaction():
        _fill(db, Store(db), messages, chance)
    db.close()
    part.rename(path)
    return time.perf_counter() - began


def _fill(db: Database, store: Store, messages: int, chance: random.Random) -> None:
    """Conversations of equal length, after one long one that is opened later."""
    written = 0
    while written < messages:
        length = min(LONG_CONVERSATION if written == 0 else PER_CONVERSATION, messages - written)
        conversation = store.create(NewConversation(title=_text(chance, 6)), float(written))
        rows = list(_chain(conversation.id, written, length, chance))
        db.conn.executemany(
            "INSERT INTO messages (id, conversation_id, parent_id, role, text, created) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        written += length
        db.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (written, conversation.id))


def _chain(conversation_id: int, first: int, length: int, chance: random.Random) -> Iterator[tuple[object, ...]]:
    """Rows of messages that follow each other, ids from `first` + 1."""
    for place in range(length):
        message_id = first + place + 1
        role = ("user", "assistant")[place % 2]
        words = chance.choice((8, 20, 60, 120)) if place % 2 == 0 else chance.choice((60, 120, 200))
        text = _text(chance, words)
        yield message_id, conversation_id, message_id - 1 if place else None, role, text, float(message_id)


def _text(chance: random.Random, words: int) -> str:
    """Half English, half Chinese; common words come oftener, as they do."""
    if chance.random() < 0.5:
        known = _ENGLISH.split()
        return " ".join(known[int(len(known) * chance.random() ** 2)] for _ in range(words)) + "."
    return "".join(_CHINESE[int(len(_CHINESE) * chance.random() ** 2)] for _ in range(words * 2)) + "。"


def _page(store: Store, rounds: int) -> dict[str, float]:
    """The newest 50 messages of the long conversation, then the 50 before them."""
    oldest_shown = store.page(LONG_ID, 50).messages[0].id
    first = _timed(lambda: store.page(LONG_ID, 50), rounds)
    older = _timed(lambda: store.page(LONG_ID, 50, oldest_shown), rounds)
    return {"newest_p95": percentile(first, 0.95), "older_p95": percentile(older, 0.95)}


def _searches(path: Path, rounds: int) -> dict[str, object]:
    """Milliseconds and hits for every kind of query, and over all of them."""
    search = Search(path)
    kinds: dict[str, object] = {}
    every: list[float] = []
    for kind, queries in QUERIES.items():
        times: list[float] = []
        for query in queries:
            times += _timed(lambda query=query: search.find(query), rounds)  # type: ignore[misc]
        every += times
        hits = [len(search.find(query)) for query in queries]
        kinds[kind] = {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "hits": hits}
    search.close()
    return {"unit": "ms", "kinds": kinds, "p50": percentile(every, 0.5), "p95": percentile(every, 0.95)}


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each of `rounds` runs."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(round((time.perf_counter() - began) * 1000, 2))
    return times


if __name__ == "__main__":
    main()
