"""Varies a phrasing the way people do: other words for the same thing, greetings round it, typos, words left out."""

import random
import re

from corpus import Language

SAME = {
    "en": [
        ["how do i", "how can i", "how to", "what is the way to", "how would i", "how does one", "what do i do to"],
        ["what is", "what's", "whats", "what does it mean when people say", "define", "explain"],
        ["can i", "could i", "is it possible to", "am i able to", "may i"],
        ["where is", "where's", "where do i find", "in which place is"],
        ["why is", "why's", "how come", "for what reason is"],
        ["tell me", "explain to me", "let me know", "say"],
        ["i want to", "i'd like to", "i would like to", "i need to", "i wish to"],
        ["computer", "pc", "machine", "laptop", "desktop"],
        ["graphics card", "gpu", "video card", "card"],
        ["vram", "video memory", "gpu memory", "graphics memory"],
        ["ram", "system memory", "main memory"],
        ["conversation", "chat", "thread", "discussion"],
        ["conversations", "chats", "threads"],
        ["quantization", "quantisation", "quant"],
        ["quantizations", "quants"],
        ["model", "llm", "language model"],
        ["models", "llms", "language models"],
        ["answer", "reply", "response", "output"],
        ["question", "prompt", "message"],
        ["delete", "remove", "erase", "get rid of"],
        ["change", "switch", "set", "modify"],
        ["slow", "sluggish", "laggy"],
        ["fast", "quick", "speedy"],
        ["folder", "directory"],
        ["big", "large"],
        ["small", "tiny", "little"],
        ["show", "display", "see"],
        ["app", "program", "application", "software"],
        ["stop", "cancel", "abort", "interrupt"],
        ["pick", "choose", "select", "take"],
        ["best", "recommended", "right"],
        ["run", "use", "execute"],
        ["difference between", "difference of", "distinction between"],
        ["meaning", "definition", "explanation"],
    ],
    "zh": [
        ["怎么", "如何", "怎样", "咋"],
        ["是什么", "是啥", "什么意思", "指的是什么", "是什么东西"],
        ["什么是", "啥是", "解释一下", "介绍一下"],
        ["为什么", "为啥", "怎么会", "为何"],
        ["可以", "能", "能够"],
        ["电脑", "计算机", "机器", "本机"],
        ["显卡", "GPU", "独显"],
        ["显存", "VRAM", "显卡内存"],
        ["内存", "RAM"],
        ["对话", "聊天", "会话"],
        ["回答", "回复", "答案"],
        ["删除", "删掉", "清除", "去掉"],
        ["文件夹", "目录"],
        ["词元", "token"],
        ["模型", "大模型", "LLM"],
        ["量化", "量化版本"],
        ["上下文长度", "上下文窗口", "上下文"],
        ["选哪个", "用哪个", "挑哪个"],
        ["我想", "我要", "我希望"],
        ["吗", "么", ""],
        ["软件", "程序", "应用"],
        ["打开", "开启"],
        ["停止", "中断", "取消"],
        ["更换", "切换", "换"],
        ["多大", "多少"],
        ["慢", "卡"],
        ["快", "迅速"],
        ["需要", "要"],
    ],
}
BEFORE = {
    "en": [
        "hi, ",
        "hello, ",
        "hey ",
        "please: ",
        "quick question: ",
        "sorry, ",
        "i am new to this. ",
        "one more thing: ",
        "ok, ",
        "and ",
        "so ",
        "um, ",
        "just wondering, ",
        "i wonder ",
        "could you tell me ",
        "do you know ",
    ],
    "zh": [
        "你好，",
        "请问",
        "请问一下，",
        "想问一下",
        "我是新手，",
        "麻烦问下",
        "那",
        "还有，",
        "嗨，",
        "好的，",
        "顺便问一下，",
        "能告诉我",
        "你知道",
    ],
}
AFTER = {
    "en": [
        " please",
        " thanks",
        ", thank you",
        " in alcove",
        " exactly",
        " here",
        " on my machine",
        " i am a beginner",
        " ?",
        "???",
        " tell me more",
    ],
    "zh": ["，谢谢", "呢", "啊", "？", "？？", "，我不太懂", "，说说看", "，在 Alcove 里", "，具体点", "呀"],
}


def _pattern(group: list[str], language: Language) -> re.Pattern[str]:
    border = r"\b" if language == "en" else ""
    return re.compile("|".join(border + re.escape(word) + border for word in group if word), re.IGNORECASE)


_PATTERNS = {language: [(_pattern(group, language), group) for group in groups] for language, groups in SAME.items()}


def vary(text: str, language: Language, rng: random.Random) -> str:
    """The phrasing, changed a little; about one in five comes back unchanged."""
    if rng.random() < 0.2:
        return text
    for pattern, group in _PATTERNS[language]:
        if rng.random() < 0.35:
            text = pattern.sub(lambda _, group=group: rng.choice(group), text, count=1)
    if rng.random() < 0.25:
        text = _leave_out(text, language, rng)
    if rng.random() < 0.12:
        text = _typo(text, rng)
    if rng.random() < 0.18:
        text = rng.choice(BEFORE[language]) + (text[:1].lower() + text[1:])
    if rng.random() < 0.15:
        text = text.rstrip("?？.。") + rng.choice(AFTER[language])
    if rng.random() < 0.3:
        text = text.rstrip("?？.。!！ ")
    if language == "en" and rng.random() < 0.4:
        text = text.lower()
    if language == "zh" and rng.random() < 0.3:
        text = text.translate(str.maketrans("，？：；（）", ",?:;()"))
    return text or "?"


def _leave_out(text: str, language: Language, rng: random.Random) -> str:
    """Some words (characters in Chinese) dropped, never all."""
    parts = text.split(" ") if language == "en" else list(text)
    if len(parts) < 4:
        return text
    kept = [part for part in parts if rng.random() > 0.12]
    return (" " if language == "en" else "").join(kept or parts)


def _typo(text: str, rng: random.Random) -> str:
    """Two neighbouring letters swapped, or one dropped or doubled."""
    if len(text) < 5:
        return text
    at = rng.randrange(1, len(text) - 1)
    kind = rng.random()
    if kind < 0.4:
        return text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :]
    return text[:at] + text[at + 1 :] if kind < 0.7 else text[:at] + text[at] + text[at:]
