"""The sizes of buffers in llama.cpp's log, by device and purpose."""

from app.backends.llama.buffers import buffers_of
from app.protocol import CPU, MemoryUse

MIB = 1024**2
PARTLY = """\
load_tensors: offloaded 20/33 layers to GPU
load_tensors:   CPU_Mapped model buffer size =  2000.00 MiB
load_tensors:   CPU_REPACK model buffer size =  1000.00 MiB
load_tensors:        CUDA0 model buffer size =  2500.50 MiB
llama_context:  CUDA_Host  output buffer size =     0.50 MiB
llama_kv_cache:        CPU KV buffer size =   100.00 MiB
llama_kv_cache:      CUDA0 KV buffer size =   200.00 MiB
llama_kv_cache: size =  300.00 MiB (  8192 cells,  32 layers,  4/1 seqs), K (f16):  150.00 MiB, V (f16):  150.00 MiB
llama_kv_cache:      CUDA0 KV buffer size =    50.00 MiB
llama_memory_recurrent:      CUDA0 RS buffer size =    12.00 MiB
sched_reserve:      CUDA0 compute buffer size =   258.50 MiB
sched_reserve:  CUDA_Host compute buffer size =    24.00 MiB"""


def test_every_buffer_is_counted_once_where_it_lies() -> None:
    card, beside = buffers_of(PARTLY.splitlines())
    assert card == MemoryUse(
        device="CUDA0",
        weights=round(2500.5 * MIB),
        cache=250 * MIB,
        state=12 * MIB,
        compute=round(258.5 * MIB),
    )
    assert beside == MemoryUse(
        device=CPU,
        weights=3000 * MIB,
        repacked=1000 * MIB,
        cache=100 * MIB,
        compute=24 * MIB,
        output=MIB // 2,
    )


def test_a_second_model_is_the_one_that_drafts() -> None:
    card, _ = buffers_of(f"{PARTLY}\n{PARTLY}".splitlines())
    assert card.weights == round(2500.5 * MIB)
    assert card.draft == card.weights + card.cache + card.state + card.compute


def test_a_log_without_buffers_makes_an_empty_machine() -> None:
    assert buffers_of(["nothing of the kind", "size = 12 MiB"]) == (MemoryUse(),)
