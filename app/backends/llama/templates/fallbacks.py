"""Templates of our own for files that have none, chosen by the control tokens of the vocabulary or the architecture.

Each writes the form a family of models was taught, in as few words as possible: no tools, no thinking.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Fallback:
    name: str
    source: str
    marker: str = ""
    """A control token that shows the form."""
    architectures: tuple[str, ...] = ()


CHATML = """{% for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_LLAMA3 = """{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>

{{ message.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}\
<|start_header_id|>assistant<|end_header_id|>

{% endif %}"""

_GEMMA = """{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}\
{{ raise_exception('no system role') }}{% endif %}\
<start_of_turn>{{ 'model' if message.role == 'assistant' else 'user' }}
{{ message.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""

_INSTRUCTION = """{{ bos_token }}{% for message in messages %}{% if message.role == 'assistant' %} \
{{ message.content | trim }}{{ eos_token }}{% elif message.role == 'system' %}\
{{ raise_exception('no system role') }}{% else %}[INST] {{ message.content | trim }} [/INST]{% endif %}{% endfor %}"""

_LLAMA2 = """{% set text = namespace(system='') %}{% for message in messages %}\
{% if message.role == 'system' %}{% set text.system = '<<SYS>>\\n' ~ message.content | trim ~ '\\n<</SYS>>\\n\\n' %}\
{% elif message.role == 'assistant' %} {{ message.content | trim }} {{ eos_token }}\
{% else %}{{ bos_token }}[INST] {{ text.system }}{{ message.content | trim }} [/INST]\
{% set text.system = '' %}{% endif %}{% endfor %}"""

_PHI = """{% for message in messages %}<|{{ message.role }}|>
{{ message.content }}<|end|>
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""

_ROLE_TAGS = """{% for message in messages %}<|{{ message.role }}|>
{{ message.content }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<|assistant|>
{% endif %}"""

_DEEPSEEK = """{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}\
{% elif message.role == 'assistant' %}<｜Assistant｜>{{ message.content }}{{ eos_token }}\
{% else %}<｜User｜>{{ message.content }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}<｜Assistant｜>{% endif %}"""

_COMMAND = """{{ bos_token }}{% for message in messages %}<|START_OF_TURN_TOKEN|>\
<|{{ {'system': 'SYSTEM', 'assistant': 'CHATBOT'}.get(message.role, 'USER') }}_TOKEN|>{{ message.content }}\
<|END_OF_TURN_TOKEN|>{% endfor %}{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}"""

_GRANITE = """{% for message in messages %}<|start_of_role|>{{ message.role }}<|end_of_role|>{{ message.content }}\
<|end_of_text|>
{% endfor %}{% if add_generation_prompt %}<|start_of_role|>assistant<|end_of_role|>{% endif %}"""

FALLBACKS = (
    Fallback("ChatML", CHATML, "<|im_start|>", ("qwen2", "qwen3", "qwen2moe", "qwen3moe")),
    Fallback("Llama 3", _LLAMA3, "<|start_header_id|>"),
    Fallback("Gemma", _GEMMA, "<start_of_turn>", ("gemma", "gemma2", "gemma3", "gemma3n")),
    Fallback("DeepSeek", _DEEPSEEK, "<｜User｜>", ("deepseek2",)),
    Fallback("Command", _COMMAND, "<|START_OF_TURN_TOKEN|>", ("command-r", "cohere2")),
    Fallback("Granite", _GRANITE, "<|start_of_role|>", ("granite", "granitemoe")),
    Fallback("Phi", _PHI, "<|end|>", ("phi3", "phimoe")),
    Fallback("Mistral", _INSTRUCTION, "[INST]", ("mistral3",)),
    Fallback("Zephyr", _ROLE_TAGS, "<|assistant|>", ("stablelm",)),
    Fallback("Llama 2", _LLAMA2, "", ("llama",)),
)


def choose_fallback(architecture: str, control_texts: Collection[str]) -> Fallback:
    """The form the vocabulary speaks for, else the architecture's, else ChatML."""
    for fallback in FALLBACKS:
        if fallback.marker in control_texts and fallback.marker:
            return fallback
    return next((fallback for fallback in FALLBACKS if architecture in fallback.architectures), FALLBACKS[0])
