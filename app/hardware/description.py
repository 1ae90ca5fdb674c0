"""What a person's words say about a computer, in English or Chinese: cards, processor, sizes of memory, a wish."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

GB = 1024**3

_NUMBER = r"(?<![\w.])(\d{1,5}(?:\.\d{1,2})?)"
_SIZE = re.compile(_NUMBER + r"\s*(tb|gb|mb|tib|gib|mib|t|g)(?![a-z0-9])|" + _NUMBER + r"\s*(?=vram|ram\b)")
_UNITS = {"t": 1024 * GB, "g": GB, "m": 1024**2, "": GB}
_VRAM = r"(?:vram|video\s*(?:memory|ram)|gpu\s*memory|graphics\s*memory)"
_RAM = r"(?:ram|system\s*memory|unified(?:\s*memory)?|memory|ddr\d\w*(?:-\d+)?|lpddr\d\w*)"
_DISK = r"(?:ssd|hdd|nvme|disk|storage|drive)"

_QUALIFIERS = r"(?:[\s-]*(?:ti|super|xtx|xt|gre|laptop|mobile|max-q|ada|pcie|sxm\d?|nvl|d)(?![a-z0-9]))*"
_CARDS = (
    r"(?:nvidia\s+)?(?:geforce\s+)?(?:rtx|gtx)\s*-?\s*(?:pro\s*)?[at]?\d{3,4}(?:m\b)?(?:\s*blackwell)?" + _QUALIFIERS,
    r"(?:nvidia\s+)?(?:geforce\s+)?(?:gt|mx)\s*\d{3,4}(?![a-z0-9])|(?:nvidia\s+)?titan\s*(?:rtx|xp|v)",
    r"(?:nvidia\s+)?(?:quadro|tesla)\s*(?:rtx\s*)?[a-z]{0,2}\d{1,4}",
    r"(?:amd\s+)?(?:radeon\s+)?rx\s*(?:vega\s*)?\d{2,4}[ms]?" + _QUALIFIERS,
    r"(?:amd\s+)?radeon\s+(?:pro\s+)?(?:ai\s+pro\s+)?(?:vii|[rwv]?\d{3,4}[xms]?)" + _QUALIFIERS,
    r"(?:amd\s+)?(?:instinct\s+)?mi\d{2,3}[xa]?(?![a-z0-9])",
    r"(?:intel\s+)?arc\s*(?:pro\s*)?[ab]\d{2,3}m?|(?:intel\s+)?iris\s*xe",
    (
        r"(?<![a-z0-9-])(?:nvidia\s+)?(?:a100|a800|h100|h200|h800|h20|l40s?|l20|l4|a10g?|a16|a2|a30|a40|t4|v100|p40"
        r"|p100|m40|b200|b300|gb10|gh200|dgx\s*spark)(?:[\s-]*(?:pcie|sxm\d?|nvl))?(?![a-z0-9])"
    ),
    r"(?<![a-z0-9-])(?:610m|660m|680m|740m|760m|780m|840m|860m|880m|890m|8040s|8050s|8060s)(?![a-z0-9])",
    r"(?<![a-z0-9-])(?:apple\s+)?m[1-9](?:\s*(?:pro|max|ultra))?(?![a-z0-9])",
)
_BARE_CARDS = (
    r"(?<![\w.-])(?:10[5-8]0|16[3-6]0|20[6-8]0|30[5-9]0|40[5-9]0|50[5-9]0)" + _QUALIFIERS + r"(?![\w.])",
    r"(?<![\w.-])[ab](?:310|380|580|570|750|770)(?![a-z0-9])",
    r"(?<![\w.-])(?:5[5-7]00|6[4-9][05]0|7[6-9]00|90[67]0)\s*(?:xtx|xt|gre)(?![a-z0-9])",
)
"""Numbers that people say for a card when nothing else is meant by them."""
_PROCESSORS = (
    (
        r"(?:amd\s+)?ryzen(?:\s+threadripper|\s+ai)?(?:\s*(?:max\+?|pro))*(?:\s*[3579](?!\d))?"
        r"(?:[\s-]*(?:hx\s*)?(?:pro\s*)?\d{3,4}[a-z0-9]{0,3}(?![a-z0-9]))?|strix\s+halo"
    ),
    r"(?:amd\s+)?(?:threadripper|epyc|athlon)(?:\s*pro)?(?:[\s-]*\d{3,4}[a-z0-9]{0,3}(?![a-z0-9]))?",
    r"(?:intel\s+)?(?:core\s+)?(?:ultra\s+[579]|i[3579])(?:[\s-]*\d{3,5}[a-z0-9]{0,3}(?![a-z0-9]))?",
    r"(?:intel\s+)?(?:xeon|celeron|pentium|core\s+2)(?:\s+(?:gold|silver|platinum|e\d|w\d?))?(?:[\s-]*[a-z]?\d{3,5}\w{0,3})?",
    r"(?<![a-z0-9])(?:intel\s+)?n(?:95|97|100|150|200|305)(?![a-z0-9])|snapdragon\s*(?:x\s*)?(?:elite|plus)?",
)
_NO_CARD = re.compile(
    r"\b(?:no|without(?:\s+a)?|w/o)\s+(?:discrete\s+|dedicated\s+)?(?:gpu|graphics(?:\s+card)?|video\s+card|card)\b"
    r"|\b(?:cpu|processor)[\s-]+only\b|\b(?:integrated|onboard)\s+graphics(?:\s+only)?\b"
)
_WHAT_IF = re.compile(r"\bwhat\s+if\b|\bif\s+i\s+had\b|\bif\s+i\s+(?:add|buy|bought|got)\w*\b|\bsuppose\b")
_NOTHING_BETWEEN = re.compile(r"[\s(]*(?:[x*]\s*\d{1,2}\s*)?(?:gpus?|dual|with|w/|-|\s)*")
_MORE = re.compile(r"\bmore\b|\bextra\b|\badd(?:itional|ed)?\b")
_BEFORE = re.compile(r"(?:^|[^\w.])(?:(\d{1,2})\s*[x*]|(dual|two|double|2)|(three|triple)|(four|quad))\s*$")
_AFTER = re.compile(r"\s*[x*]\s*(\d{1,2})(?![\w.])|\s*(dual|two)(?![a-z])")

_CHINESE = (
    ("没有独立显卡", " no gpu "), ("没有独显", " no gpu "), ("没有显卡", " no gpu "), ("无独立显卡", " no gpu "),
    ("无独显", " no gpu "), ("无显卡", " no gpu "), ("不带显卡", " no gpu "), ("核显", " integrated graphics "),
    ("集成显卡", " integrated graphics "), ("纯cpu", " cpu only "), ("统一内存", " unified memory "),
    ("显存", " vram "), ("运行内存", " ram "), ("内存", " ram "), ("硬盘", " disk "), ("固态", " ssd "),
    ("如果", " what if "), ("假如", " what if "), ("要是", " what if "), ("换成", " what if "),
    ("再加", " what if more "),
    ("双卡", " dual "), ("双路", " dual "), ("双", " dual "), ("两张", " two "), ("两块", " two "), ("两个", " two "),
    ("三张", " three "), ("三块", " three "), ("四张", " four "), ("四块", " four "),
    ("显卡", " gpu "), ("独显", " gpu "), ("笔记本", " laptop "), ("移动版", " laptop "), ("张", " x "), ("块", " x "),
    ("锐龙", "ryzen "), ("酷睿", "core "), ("至强", "xeon "), ("骁龙", "snapdragon "), ("英特尔", "intel "),
    ("英伟达", "nvidia "), ("苹果", "apple "), ("个g", "g"), ("、", ","), ("和", ","), ("。", ","),
)  # fmt: skip


@dataclass(frozen=True)
class NamedCard:
    """A graphics card as it was named."""

    name: str
    count: int = 1
    memory: int | None = None
    """Bytes of each, where they were said."""


@dataclass
class Words:
    """What was said; None and empty where nothing was."""

    cards: list[NamedCard] = field(default_factory=list)
    processor: str = ""
    ram: int | None = None
    vram: int | None = None
    """Of a card that was not named."""
    disk: int | None = None
    loose: list[int] = field(default_factory=list)
    """Sizes of which nobody said what they are."""
    no_card: bool = False
    what_if: bool = False
    more: bool = False
    """Besides what there is."""
    memory_kind: str = ""
    """"ddr4", "ddr5", "lpddr5x" …"""

    @property
    def empty(self) -> bool:
        return not (self.cards or self.ram or self.vram or self.loose)


def words_of(text: str) -> Words:
    """Everything that can be understood of the text; what cannot is passed over. Never raises."""
    said = _plain(text)
    words = Words(what_if=bool(_WHAT_IF.search(said)), more=bool(_MORE.search(said)))
    words.no_card = bool(_NO_CARD.search(said))
    said = _NO_CARD.sub(_blank(","), said)
    if kind := re.search(r"\b(lp)?ddr[2-6]x?\b", said):
        words.memory_kind = kind[0]
    rest = said
    found: list[tuple[int, int]] = []
    for pattern in _CARDS[:-1]:
        rest = re.sub(pattern, partial(_keep, found), rest)
    processors: list[tuple[int, int]] = []
    for pattern in _PROCESSORS:
        rest = re.sub(pattern, partial(_keep, processors), rest)
    for pattern in (_CARDS[-1], *_BARE_CARDS):
        rest = re.sub(pattern, partial(_keep, found), rest)
    if processors:
        words.processor = said[slice(*min(processors))].strip()
    _take_sizes(words, said, rest, sorted(found), processors)
    return words


def _plain(text: str) -> str:
    """Lower case, half-width, with English for the Chinese words that matter."""
    said = unicodedata.normalize("NFKC", text).casefold().replace("×", " x ").replace("®", "").replace("™", "")
    for chinese, english in _CHINESE:
        said = said.replace(chinese, english)
    return re.sub(r"[^\x20-\x7e]", " , ", said)


def _blank(sign: str) -> Callable[[re.Match[str]], str]:
    return lambda match: sign * len(match[0])


def _keep(found: list[tuple[int, int]], match: re.Match[str]) -> str:
    """Remember the span and put something in its place that no other pattern takes."""
    found.append(match.span())
    return "#" * len(match[0])


@dataclass(frozen=True)
class _Size:
    start: int
    end: int
    size: int
    kind: str
    """"vram", "ram", "disk" or ""."""


def _take_sizes(
    words: Words, said: str, rest: str, cards: list[tuple[int, int]], processors: list[tuple[int, int]]
) -> None:
    sizes = list(_sizes(rest))
    taken: set[_Size] = set()
    for index, (start, end) in enumerate(cards):
        after = cards[index + 1][0] if index + 1 < len(cards) else len(said)
        own = next(
            (size for size in sizes if end <= size.start < after and _belongs(size, rest[end : size.start])), None
        )
        name = said[start:end].strip(" ,-")
        apple = re.fullmatch(r"(?:apple\s+)?m[1-9].*", name) is not None
        if own is not None and not apple:
            taken.add(own)
        words.cards.append(NamedCard(name, _count(rest[:start], rest[end:]), own.size if own and not apple else None))
    for size in sizes:
        if size in taken:
            continue
        if size.kind == "ram" and words.ram is None:
            words.ram = size.size
        elif size.kind == "vram" and words.vram is None:
            words.vram = size.size
        elif size.kind == "disk" and words.disk is None:
            words.disk = size.size
        elif not size.kind:
            words.loose.append(size.size)


def _sizes(rest: str) -> Iterator[_Size]:
    for match in _SIZE.finditer(rest):
        number, unit = float(match[1] or match[3]), (match[2] or "")[:1]
        size = round(number * _UNITS[unit])
        if not 0 < size < 64 * 1024 * GB:
            continue
        after, before = rest[match.end() : match.end() + 24], rest[max(match.start() - 20, 0) : match.start()]
        yield _Size(match.start(), match.end(), size, _kind(before, after))


def _kind(before: str, after: str) -> str:
    """What a size is of: the word right after it, else the one right before it."""
    for kind, word in (("vram", _VRAM), ("ram", _RAM), ("disk", _DISK)):
        if re.match(rf"\s*(?:of\s+|more\s+)*(?:dual\s+)?{word}", after):
            return kind
    for kind, word in (("vram", _VRAM), ("ram", _RAM), ("disk", _DISK)):
        if re.search(rf"(?<![a-z]){word}\s*[:=]?\s*$", before):
            return kind
    return ""


def _belongs(size: _Size, between: str) -> bool:
    """Whether that size is the card's: nothing stands between but how many there are, or it is called video memory."""
    if size.kind == "vram":
        return not re.search(_SIZE, between)
    return (
        not size.kind and re.fullmatch(r"[\s(]*(?:[x*]\s*\d{1,2}\s*)?(?:gpus?|dual|with|w/|-|\s)*", between) is not None
    )


def _count(before: str, after: str) -> int:
    if match := _BEFORE.search(before):
        number = int(match[1]) if match[1] else 2 if match[2] else 3 if match[3] else 4
        return min(max(number, 1), 16)
    if match := _AFTER.match(after):
        return min(max(int(match[1] or 2), 1), 16)
    return 1
