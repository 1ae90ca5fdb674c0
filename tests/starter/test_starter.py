"""resources/starter.gguf is what it is said to be, reads text as its tokenizer does, and understands its intents."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.hardware.gguf import read_header
from app.paths import STARTER_MODEL

ROOT = Path(__file__).resolve().parents[2]
JUDGE = ROOT / "packaging" / "starter" / "judge.py"
TOKENISE = """
import json, sys
from app.backends.llama.binding import llama
from app.backends.llama.vocabulary import Vocabulary

llama.llama_backend_init()
params = llama.llama_model_default_params()
params.vocab_only = True
vocabulary = Vocabulary(llama.llama_model_load_from_file(sys.argv[1].encode(), params))
texts = json.loads(sys.stdin.buffer.read())
json.dump([vocabulary.tokenize(text, parse_special=False) for text in texts], sys.stdout)
"""


def test_it_is_a_small_llama_at_q8_0() -> None:
    header = read_header(STARTER_MODEL)
    assert STARTER_MODEL.stat().st_size <= 12_000_000
    assert header.architecture == "llama"
    assert header.quantization == "Q8_0"
    assert 3_000_000 <= header.parameters <= 8_000_000
    assert header.context_length is not None
    assert header.context_length >= 1024
    assert header.chat_template
    assert "<|im_start|>" in header.chat_template


def test_llama_cpp_reads_a_thousand_strings_as_the_tokenizer_does() -> None:
    rows = json.loads((Path(__file__).parent / "tokens.json").read_text(encoding="utf-8"))
    assert len(rows) == 1000
    done = subprocess.run(
        [sys.executable, "-c", TOKENISE, str(STARTER_MODEL)],
        input=json.dumps([row["text"] for row in rows]).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    read = json.loads(done.stdout)
    different = [row["text"] for row, ids in zip(rows, read, strict=True) if row["ids"] != ids]
    assert different == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("arguments", [[], ["--late", "0.9", "--most", "300"]], ids=["fresh", "late"])
def test_it_understands_phrasings_it_has_never_seen(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, str(JUDGE), *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["passed"], done.stdout
