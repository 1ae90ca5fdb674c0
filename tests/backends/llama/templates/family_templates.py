"""One small chat template for each family, in the shape of its real ones."""

_TOOLS = "{% if tools %}TOOLS:{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}"


def _chatml(
    call: str, result: str = "user\n<tool_response>\n{{ m.content }}\n</tool_response>", think: str = ""
) -> str:
    """ChatML with that way of writing `c`, a call's function."""
    return (
        "{% if tools %}<|im_start|>system\n" + _TOOLS + "<|im_end|>\n{% endif %}"
        "{% for m in messages %}{% if m.role == 'tool' %}<|im_start|>user\n<tool_response>\n{{ m.content }}"
        "\n</tool_response><|im_end|>\n"
        "{% elif m.role == 'assistant' %}<|im_start|>assistant\n" + think + "{{ m.content }}"
        "{% for call in m.tool_calls or [] %}{% set c = call.function %}" + call + "{% endfor %}<|im_end|>\n"
        "{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
    )


_THINK = "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
_OBJECT = '{"name": "{{ c.name }}", "arguments": {{ c.arguments | tojson }}}'
_LIST = (
    "[{% for call in m.tool_calls %}{% set c = call.function %}" + _OBJECT + "{% if not loop.last %}, {% endif %}"
    "{% endfor %}]"
)
_RESULT = "{% elif m.role == 'tool' %}[R]{{ m.content }}[/R]"
_TURNS = _TOOLS + "{% for m in messages %}{% if m.role == 'user' %}[U]{{ m.content }}" + _RESULT


def _listed(before: str, after: str, opens: str = "[A]", ends: str = "[/A]") -> str:
    """Plain roles, with all calls of an answer in one list."""
    return (
        _TURNS + "{% elif m.tool_calls %}" + opens + before + _LIST + after + ends
        + "{% else %}" + opens + "{{ m.content }}" + ends
        + "{% endif %}{% endfor %}{% if add_generation_prompt %}" + opens + "{% endif %}"
    )  # fmt: skip


def _called(call: str, before: str = "", after: str = "", opens: str = "[A]", tag: str = "") -> str:
    """Plain roles, with each call of an answer written by itself."""
    return (
        _TURNS + "{% elif m.tool_calls %}" + opens + before
        + "{% for call in m.tool_calls %}{% set c = call.function %}" + call + "{% endfor %}" + after
        + "{% else %}" + opens + tag + "{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}" + opens
        + "{% endif %}"
    )  # fmt: skip


_ITEMS = "{% for k, v in c.arguments.items() %}"
_PYTHON = "{{ c.name }}(" + _ITEMS + "{{ k }}={{ v | tojson }}{% if not loop.last %}, {% endif %}{% endfor %})"
_GEMMA = (
    "call:{{ c.name }}{{ '{' }}" + _ITEMS + "{{ k }}:QUOTE{{ v }}QUOTE{% if not loop.last %},{% endif %}{% endfor %}}"
)
_DSML = (
    '\n<｜DSML｜invoke name="{{ c.name }}">\n' + _ITEMS + '<｜DSML｜parameter name="{{ k }}" '
    "string=\"{{ 'true' if v is string else 'false' }}\">{{ v }}</｜DSML｜parameter>\n{% endfor %}</｜DSML｜invoke>"
)
_HARMONY = (
    _TOOLS + "{% for m in messages %}{% if m.role == 'assistant' %}"
    "{% if m.thinking %}<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}"
    "{% if m.tool_calls %}{% set c = m.tool_calls[0].function %}<|start|>assistant to=functions.{{ c.name }}"
    "<|channel|>commentary json<|message|>{{ c.arguments | tojson }}<|call|>"
    "{% else %}<|start|>assistant<|channel|>final<|message|>{{ m.content }}<|end|>{% endif %}"
    "{% elif m.role == 'tool' %}<|start|>functions<|message|>{{ m.content }}<|end|>"
    "{% else %}<|start|>{{ m.role }}<|message|>{{ reasoning_effort }}{{ m.content }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)

TEMPLATES = {
    "hermes": _chatml("\n<tool_call>\n" + _OBJECT + "\n</tool_call>", think=_THINK),
    "qwen_xml": _chatml(
        "\n<tool_call>\n<function={{ c.name }}>\n" + _ITEMS + "<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}"
        "</function>\n</tool_call>",
        think=_THINK,
    ),
    "seed": _called(
        "\n<seed:tool_call>\n<function={{ c.name }}>\n" + _ITEMS + "<parameter={{ k }}>{{ v }}</parameter>\n"
        "{% endfor %}</function>\n</seed:tool_call>",
    ),
    "nemotron": _listed("<TOOLCALL>", "</TOOLCALL>"),
    "tool_calls": _listed("<tool_calls>", "</tool_calls>"),
    "lfm": _called(_PYTHON, before="<|tool_call_start|>[", after="]<|tool_call_end|>"),
    "glm": _called(
        "\n<tool_call>{{ c.name }}\n" + _ITEMS + "<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>\n"
        "{% endfor %}</tool_call>",
        opens="<|assistant|>",
        tag="\n<think></think>\n",
    ),
    "minimax": _called(
        '<invoke name="{{ c.name }}">\n' + _ITEMS + '<parameter name="{{ k }}">{{ v }}</parameter>\n{% endfor %}'
        "</invoke>\n",
        before="\n<minimax:tool_call>\n",
        after="</minimax:tool_call>",
    ),
    "deepseek_v32": _called(_DSML, before="\n\n<｜DSML｜function_calls>", after="\n</｜DSML｜function_calls>"),
    "deepseek_v4": _called(_DSML, before="\n\n<｜DSML｜tool_calls>", after="\n</｜DSML｜tool_calls>"),
    "kimi_k3": _called(
        '<|open|>call tool="{{ c.name }}" index="{{ loop.index }}"<|sep|>' + _ITEMS + '<|open|>argument key="{{ k }}" '
        "type=\"{{ 'string' if v is string else 'number' }}\"<|sep|>{{ v }}<|close|>argument<|sep|>{% endfor %}"
        "<|close|>call<|sep|>",
        before="<|open|>response<|sep|><|close|>response<|sep|><|open|>tools<|sep|>",
        after="<|close|>tools<|sep|><|close|>message<|sep|><|end_of_msg|>",
        opens='<|open|>message role="assistant"<|sep|>',
        tag="<|open|>response<|sep|>",
    ),
    "solar": _called(
        "<|tool_call:begin|>{{ call.id }}<|tool_call:name|>{{ c.name }}<|tool_call:args|>{{ c.arguments | tojson }}"
        "<|tool_call:end|>",
        before="<|tool_calls|>",
        after="<|calls|>",
        opens="<|begin|>assistant",
        tag="<|content|>",
    ),
    "gigachat": _called(
        'function call<|role_sep|>\n{"name": "{{ c.name }}", "arguments": {{ c.arguments | tojson }}}<|message_sep|>'
        "\n\n",
        before="<|message_sep|>\n\n",
        opens="assistant<|role_sep|>\n",
    ),
    "llama": _called(
        '{"name": "{{ c.name }}", "parameters": {{ c.arguments | tojson }}}<|eot_id|>',
        opens="<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "pythonic": _called(_PYTHON, before="[", after="]<|eot|>", opens="<|header_start|>assistant<|header_end|>\n\n"),
    "llama4_pythonic": _called(_PYTHON, before="<|python_start|>[", after="]<|python_end|><|eot|>"),
    "tool_code": _called("```tool_code\n" + _PYTHON + "\n```", opens="<start_of_turn>model\n"),
    "gemma": _called("<|tool_call>" + _GEMMA.replace("QUOTE", '<|"|>') + "<tool_call|>", opens="<|turn>model\n"),
    "function_gemma": _called(
        "<start_function_call>" + _GEMMA.replace("QUOTE", "<escape>") + "<end_function_call>",
        opens="<start_of_turn>model\n",
    ),
    "mistral": _listed("[TOOL_CALLS] ", "", opens="", ends="</s>"),
    "mistral_args": _called("[TOOL_CALLS]{{ c.name }}[ARGS]{{ c.arguments }}", after="</s>", opens=""),
    "deepseek": _called(
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>{{ c.name }}\n```json\n{{ c.arguments }}\n```<｜tool▁call▁end｜>",
        before="<｜tool▁calls▁begin｜>",
        after="<｜tool▁calls▁end｜>",
        opens="<｜Assistant｜>",
    ),
    "deepseek_v31": _called(
        "<｜tool▁call▁begin｜>{{ c.name }}<｜tool▁sep｜>{{ c.arguments }}<｜tool▁call▁end｜>",
        before="<｜tool▁calls▁begin｜>",
        after="<｜tool▁calls▁end｜>",
        opens="<｜Assistant｜>",
        tag="</think>",
    ),
    "kimi": _called(
        "<|tool_call_begin|>functions.{{ c.name }}:{{ loop.index0 }}<|tool_call_argument_begin|>"
        "{{ c.arguments | tojson }}<|tool_call_end|>",
        before="<|tool_calls_section_begin|>",
        after="<|tool_calls_section_end|><|im_end|>",
        opens="<|im_assistant|>assistant<|im_middle|>",
    ),
    "granite": _listed("<|tool_call|>", "<|end_of_text|>", opens="<|start_of_role|>assistant<|end_of_role|>"),
    "phi": _listed("<|tool_call|>", "<|/tool_call|>", opens="<|assistant|>", ends="<|end|>"),
    "functools": _listed("functools", "", opens="<|assistant|>", ends="<|end|>"),
    "command": (
        _TURNS + "{% elif m.tool_calls %}<|CHATBOT_TOKEN|>{% if m.reasoning_content %}<|START_THINKING|>"
        "{{ m.reasoning_content }}<|END_THINKING|>{% endif %}<|START_ACTION|>["
        "{% for call in m.tool_calls %}{% set c = call.function %}"
        '{"tool_call_id": "{{ loop.index0 }}", "tool_name": "{{ c.name }}", "parameters": {{ c.arguments | tojson }}}'
        "{% endfor %}]<|END_ACTION|>{% else %}<|CHATBOT_TOKEN|>{% if m.reasoning_content %}<|START_THINKING|>"
        "{{ m.reasoning_content }}<|END_THINKING|>{% endif %}<|START_RESPONSE|>{{ m.content }}<|END_RESPONSE|>"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}<|CHATBOT_TOKEN|>{% endif %}"
    ),
    "function_tag": _called("<function={{ c.name }}>{{ c.arguments | tojson }}</function>", after="<|eom_id|>"),
    "functionary": _called(
        ">>>{{ c.name }}\n{{ c.arguments | tojson }}", opens="<|assistant|>\n\n", tag=">>>all\n"
    ).replace("{% if add_generation_prompt %}<|assistant|>\n\n", "{% if add_generation_prompt %}<|assistant|>\n\n>>>"),
    "harmony": _HARMONY,
}  # fmt: skip
