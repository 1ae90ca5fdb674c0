"""Why the engine failed, by what it said."""

import pytest

from app.backends.llama.causes import Cause, death_cause, load_cause


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("tensor 'blk.0.attn_q.weight' data is not within the file bounds, model is corrupted", "model_damaged"),
        ("unknown model architecture: 'xyz'", "model_unsupported"),
        ("unable to allocate CPU buffer", "out_of_memory"),
        ("something new", "something new"),
        ("", "engine_silent"),
    ],
)
def test_a_failed_load_has_a_cause(line: str, reason: str) -> None:
    assert load_cause(line).reason == reason


def test_memory_is_the_cause_where_any_line_says_so() -> None:
    assert load_cause("failed to load model", ["alloc_tensor_range: failed to allocate CPU buffer"]).reason == (
        "out_of_memory"
    )


@pytest.mark.parametrize(
    ("code", "tail", "cause"),
    [
        (-9, ["loading"], Cause("process_killed")),
        (-11, [], Cause("engine_fault", "SIGSEGV")),
        (-6, ["a.c:12: GGML_ASSERT(ok) failed", "bye"], Cause("engine_fault", "a.c:12: GGML_ASSERT(ok) failed")),
        (-6, ["what():  std::bad_alloc", ""], Cause("out_of_memory", "what():  std::bad_alloc")),
        (1, ["MemoryError()"], Cause("out_of_memory", "MemoryError()")),
        (1, ["ValueError: no", ""], Cause("ValueError: no")),
        (4, [], Cause("process_ended", "exit code 4")),
        (-200, [], Cause("engine_fault", "signal 200")),
    ],
)
def test_an_end_has_a_cause(code: int, tail: list[str], cause: Cause) -> None:
    assert death_cause(code, tail) == cause
    assert cause.text
