"""The parts of a loaded model together: pictures, adapters, a drafting model, threads, and who makes vectors."""

from pathlib import Path

import pytest

from app.backends.llama.process import LlamaBackend
from app.errors import AppError
from app.hardware.defaults import FEW_SLOTS, MANY_SLOTS, SMALL_MODEL_BYTES, default_slots
from app.protocol import (
    ChatTurn,
    ImagePart,
    LoadParams,
    LoraScale,
    Role,
    Sampling,
    TensorOverride,
)
from tests.backends.llama.conftest import Open
from tests.backends.llama.loading import loaded
from tests.backends.llama.running import LONG
from tests.backends.llama.vision.pictures import picture
from tests.gguf import TinyModel, write_tiny_model
from tests.gguf_parts import POOL_RANK, write_tiny_adapter, write_tiny_encoder, write_tiny_projector

SIX = Sampling(temperature=0.0, max_tokens=6, ignore_end=True)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, its projector and an adapter."""
    folder = tmp_path_factory.mktemp("answering")
    write_tiny_model(folder / "model.gguf", TinyModel(seed=5, temperature=1.0))
    write_tiny_projector(folder / "mmproj.gguf")
    with loaded(folder / "model.gguf") as model:
        size = model.vocabulary.size
    write_tiny_adapter(folder / "lora.gguf", {"output.weight": (size, 128)}, scale=1.0)
    return folder


def looking(text: str, data: bytes) -> tuple[ChatTurn, ...]:
    return (ChatTurn(role=Role.USER, content=text, images=(ImagePart(data=data, at=0),)),)


def test_a_picture_is_read_once_and_then_cached(open_model: Open, seeing: Path) -> None:
    running = open_model(seeing / "model.gguf", projector=str(seeing / "mmproj.gguf"))
    assert running.session.loaded.sees
    turns = looking("What is this?", picture("red").data)
    first = running.ask(sampling=SIX, turns=turns)
    running.run()
    again = running.ask(sampling=SIX, turns=turns)
    running.run()
    assert running.text(again) == running.text(first)
    assert running.stats(again).cached_tokens == running.stats(again).prompt_tokens - 1
    plain = running.ask("What is this?", SIX)
    running.run()
    assert running.stats(plain).prompt_tokens < running.stats(first).prompt_tokens


def test_another_picture_shares_only_what_stands_before_it(open_model: Open, seeing: Path) -> None:
    running = open_model(seeing / "model.gguf", projector=str(seeing / "mmproj.gguf"))
    one = running.ask(sampling=SIX, turns=looking("What is this?", picture("red").data))
    other = running.ask(sampling=SIX, turns=looking("What is this?", picture("blue").data))
    running.run()
    assert running.stats(other).cached_tokens < running.stats(one).prompt_tokens - 10
    alone = open_model(seeing / "model.gguf", projector=str(seeing / "mmproj.gguf"))
    number = alone.ask(sampling=SIX, turns=looking("What is this?", picture("blue").data))
    alone.run()
    assert alone.text(number) == running.text(other)


def test_a_model_without_a_projector_refuses_pictures(open_model: Open) -> None:
    with pytest.raises(AppError) as caught:
        open_model("hello").ask(turns=looking("What?", picture("red").data))
    assert caught.value.code == "model_cannot_see"


def test_adapters_never_share_a_step_or_a_state(open_model: Open, seeing: Path) -> None:
    running = open_model(seeing / "model.gguf", loras=(str(seeing / "lora.gguf"),))
    bare = running.answered(LONG, SIX)
    changed = running.answered(LONG, SIX, loras=(LoraScale(index=0, scale=2.0),))
    assert changed != bare
    numbers = [
        running.ask(LONG, SIX, loras=(LoraScale(index=0, scale=2.0),) if number % 2 else ()) for number in range(6)
    ]
    running.run()
    assert [running.text(number) for number in numbers] == [bare, changed] * 3
    other = running.ask(LONG, SIX, loras=(LoraScale(index=0, scale=0.5),))
    running.run()
    assert running.stats(other).cached_tokens == 0
    with pytest.raises(AppError, match="no adapter 1"):
        running.ask(loras=(LoraScale(index=1),))


def test_a_drafting_model_changes_nothing_but_the_time(open_model: Open, models: Path) -> None:
    plain = open_model("endless").answered(sampling=Sampling(temperature=0.0, max_tokens=60))
    running = open_model("endless", draft_model=str(models / "endless.gguf"))
    number = running.ask(sampling=Sampling(temperature=0.0, max_tokens=60))
    running.run()
    assert running.text(number) == plain
    assert running.stats(number).accepted_tokens > 0


@pytest.mark.parametrize(
    "params",
    [
        {"kv_type_k": "q8_0", "kv_type_v": "q8_0"},
        {"kv_type_k": "f32", "kv_type_v": "bf16", "flash_attention": True},
        {"flash_attention": False},
        {"batch": 64, "micro_batch": 32},
        {"threads": 1, "batch_threads": 2},
        {"mmap": False},
        {"mmap": True},
        {"tensor_overrides": (TensorOverride(pattern=r"blk\.0\.ffn_.*"),)},
        {"cpu_experts": 2},
        {"devices": ("CPU",)},
        {"gpu_layers": 0, "main_gpu": 0, "tensor_split": (1.0,), "split_mode": "layer"},
        {"rope_scaling": "yarn", "rope_frequency_scale": 0.5, "yarn_original_context": 1024},
        {"rope_frequency_base": 20000.0, "kv_offload": False, "swa_full": True},
        {"slots": 1, "state_memory": 0},
    ],
    ids=",".join,
)
def test_every_load_parameter_is_taken(open_model: Open, params: dict[str, object]) -> None:
    running = open_model("hello", **params)
    assert running.answered(LONG) == "Hello world 量化!"


def test_small_models_answer_more_at_once() -> None:
    assert default_slots(SMALL_MODEL_BYTES) == FEW_SLOTS
    assert default_slots(SMALL_MODEL_BYTES - 1) == MANY_SLOTS


def test_its_own_template_takes_the_place_of_the_files(open_model: Open) -> None:
    running = open_model("hello", chat_template="{% for m in messages %}>{{ m.content }}\n{% endfor %}")
    preview = running.answering.preparer.preview(running.request("Hi"))
    assert preview.text == ">Hi\n"


async def test_a_model_made_for_vectors_makes_them_and_writes_nothing(tmp_path: Path) -> None:
    backend = LlamaBackend()
    path = write_tiny_encoder(tmp_path / "encoder.gguf")
    told = await backend.load(str(path), LoadParams(), lambda _share: None)
    assert told.embeds
    assert not told.reranks
    found = await backend.embed(["red apple", "blue sky"])
    assert len(found.vectors) == 2
    assert found.tokens > 4
    assert sum(number * number for number in found.vectors[0]) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(AppError, match="longer than"):
        await backend.embed(["red " * 500])
    assert (await backend.stats()).active_requests == 0
    await backend.unload()


async def test_a_model_made_for_ranking_ranks(tmp_path: Path) -> None:
    backend = LlamaBackend()
    path = write_tiny_encoder(tmp_path / "ranker.gguf", pooling=POOL_RANK)
    told = await backend.load(str(path), LoadParams(), lambda _share: None)
    assert told.reranks
    found = await backend.rerank("red apple", ["blue sky", "green grass"])
    assert len(found.scores) == 2
    await backend.unload()


async def test_a_model_that_writes_makes_vectors_too(models: Path) -> None:
    backend = LlamaBackend()
    told = await backend.load(str(models / "random.gguf"), LoadParams(context_length=512), lambda _share: None)
    assert told.embeds
    assert len((await backend.embed(["a text"])).vectors[0]) == 128
    await backend.set_threads(1)
    await backend.unload()
