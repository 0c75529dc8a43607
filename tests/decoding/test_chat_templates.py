"""Templates of many families, in shortened words of our own: whatever is in the messages is in the prompt."""

# ruff: noqa: E501 - templates are easier to compare with their models in their own lines
from __future__ import annotations

from datetime import date as Date

import pytest

from engine.decoding.chat_template import ChatTemplate, writes_date
from engine.decoding.thought import closed, marks_of, opened
from engine.errors import MessageLost, PromptError

SYSTEM, USER = {"role": "system", "content": "TASK"}, {"role": "user", "content": "TEXT"}

# Family: its template, and what comes of a system message and a user's, with no thought.
FAMILIES = {
    "qwen3": (
        "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}"
        "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}",
        "<|im_start|>system\nTASK<|im_end|>\n<|im_start|>user\nTEXT<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    ),
    "deepseek-r1": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}{% elif m.role == 'user' %}"
        "{{ '<|User|>' + m.content }}{% else %}{{ '<|Assistant|>' + m.content.split('</think>')[-1] + eos_token }}{% endif %}"
        "{% endfor %}{% if add_generation_prompt %}{{ '<|Assistant|><think>\n' }}{% endif %}",
        "<s>TASK<|User|>TEXT<|Assistant|><think>\n</think>\n\n",
    ),
    "phi-3 without system": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<|user|>\n' + m.content + '<|end|>\n<|assistant|>\n' }}"
        "{% elif m.role == 'assistant' %}{{ m.content + '<|end|>\n' }}{% endif %}{% endfor %}",
        "<s><|user|>\nTASK\n\nTEXT<|end|>\n<|assistant|>\n",
    ),
    "phi-3.5": (
        "{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
        "<|system|>\nTASK<|end|>\n<|user|>\nTEXT<|end|>\n<|assistant|>\n",
    ),
    "llama-3 with tools and date": (
        "{{- bos_token }}{%- if custom_tools is defined %}{%- set tools = custom_tools %}{%- endif %}"
        "{%- if not date_string is defined %}{%- set date_string = strftime_now('%d %b %Y') %}{%- endif %}"
        "{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content']|trim %}{%- set messages = messages[1:] %}"
        "{%- else %}{%- set system = '' %}{%- endif %}{{- 'Today Date: ' + date_string + '\n' + system + '<|eot_id|>' }}"
        "{%- if tools is not none %}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}{%- endif %}"
        "{%- for m in messages %}{{- m.role + '\n' + m.content | trim + '<|eot_id|>' }}{%- endfor %}{{- 'assistant\n' }}",
        "<s>Today Date: 31 Jan 2025\nTASK<|eot_id|>user\nTEXT<|eot_id|>assistant\n",
    ),
    "gemma without system": (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('must alternate') }}{% endif %}"
        "{{ '<start_of_turn>' + m.role + '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}{{ '<start_of_turn>model\n' }}",
        "<start_of_turn>user\nTASK\n\nTEXT<end_of_turn>\n<start_of_turn>model\n",
    ),
    "mistral v7": (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ '[SYSTEM_PROMPT] ' + m.content + '[/SYSTEM_PROMPT]' }}"
        "{% elif m.role == 'user' %}{{ '[INST] ' + m.content + '[/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}",
        "<s>[SYSTEM_PROMPT] TASK[/SYSTEM_PROMPT][INST] TEXT[/INST]",
    ),
    "contents as parts": (
        "{% for m in messages %}{{ '[' + m.role + ']' }}{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
        "{% endif %}{% endfor %}{% endfor %}[assistant]",
        "[system]TASK[user]TEXT[assistant]",
    ),
    "parts for the user only, and no system": (
        "{% for m in messages %}{% if m.role == 'user' %}{% for part in m.content %}{{ part['text'] }}{% endfor %}{% elif m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}",
        "TASK\n\nTEXT",
    ),
    "granite with a generation block": (
        "{%- for m in messages %}{%- if m.role == 'assistant' %}{%- generation %}{{ m.content }}{%- endgeneration %}{%- else %}"
        "{{- '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\n' }}{%- endif %}{%- endfor %}"
        "{{- '<|start_of_role|>assistant' + (' {\"thinking\": true}' if thinking else '') + '<|end_of_role|>' }}",
        "<|start_of_role|>system<|end_of_role|>TASK<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>TEXT<|end_of_text|>\n"
        "<|start_of_role|>assistant<|end_of_role|>",
    ),
    "command-r": (
        "{% for m in messages %}{{ '<|START_OF_TURN_TOKEN|><|' + m.role | upper + '_TOKEN|>' + m.content.strip() + '<|END_OF_TURN_TOKEN|>' }}"
        "{% endfor %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>TASK<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>TEXT"
        "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    ),
    "smollm3": (
        "{%- if enable_thinking is not defined %}{%- set enable_thinking = true %}{%- endif %}"
        "{%- for m in messages %}{%- if m.role == 'system' %}{{- '<|im_start|>system\n' + strftime_now('%d %B %Y') + '\n' }}"
        "{{- m.content.replace('/no_think', '').rstrip() + '<|im_end|>\n' }}{%- else %}"
        "{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endif %}{%- endfor %}"
        "{{- '<|im_start|>assistant\n' }}{%- if not enable_thinking %}{{- '<think>\n\n</think>\n' }}{%- endif %}",
        "<|im_start|>system\n31 January 2025\nTASK<|im_end|>\n<|im_start|>user\nTEXT<|im_end|>\n<|im_start|>assistant\n"
        "<think>\n\n</think>\n",
    ),
    "gpt-oss": (
        "{%- macro turn(role, text) %}{{- '<|start|>' + role + '<|message|>' + text + '<|end|>' }}{%- endmacro %}"
        "{{- turn('system', 'Current date: ' + strftime_now('%Y-%m-%d')) }}"
        "{%- for m in messages %}{{- turn('developer' if m.role == 'system' else m.role, m.content) }}{%- endfor %}"
        "{#- the model goes on with <|channel|>analysis -#}{{- '<|start|>assistant' }}",
        "<|start|>system<|message|>Current date: 2025-01-31<|end|><|start|>developer<|message|>TASK<|end|>"
        "<|start|>user<|message|>TEXT<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
}
DAY = Date(2025, 1, 31)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_text_is_in_the_prompt_and_the_answer_begins_at_once(family: str) -> None:
    source, expected = FAMILIES[family]
    rendering = ChatTemplate(source, bos="<s>", eos="</s>", date=DAY).render([SYSTEM, USER])
    assert closed(rendering, marks_of(source)) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_earlier_turns_are_in_the_prompt_too(family: str) -> None:
    turns = [
        SYSTEM,
        USER,
        {"role": "assistant", "content": "<think>hm</think>ANSWER"},
        {"role": "user", "content": "NEXT"},
    ]
    rendering = ChatTemplate(FAMILIES[family][0], bos="<s>", eos="</s>", date=DAY).render(turns)
    places = [rendering.index(text) for text in ("TASK", "TEXT", "ANSWER", "NEXT")]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("family", "end"),
    [
        ("qwen3", "<|im_start|>assistant\n<think>\n"),
        ("deepseek-r1", "<|Assistant|><think>\n"),
        ("smollm3", "<|im_start|>assistant\n<think>\n"),
        ("gpt-oss", "<|start|>assistant<|channel|>analysis<|message|>"),
    ],
)
def test_a_thought_is_left_open_where_it_is_wanted(family: str, end: str) -> None:
    source = FAMILIES[family][0]
    marks = marks_of(source)
    assert marks is not None
    rendering = opened(ChatTemplate(source, thinks=True).render([SYSTEM, USER]), marks)
    assert rendering.endswith(end)
    assert rendering.count(marks.opening) == 1


def test_a_template_that_drops_a_text_in_every_form_is_an_error_that_names_it() -> None:
    template = ChatTemplate("{{ messages[-1].content }}", name="the chat template of m.gguf")
    turns = [USER, {"role": "assistant", "content": "A"}, USER]
    with pytest.raises(MessageLost, match=r"m\.gguf leaves out text of message 0") as caught:
        template.render(turns)
    assert (caught.value.index, caught.value.role) == (0, "user")


def test_a_text_that_a_template_cuts_for_what_it_holds_is_an_error() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.content.split('#')[0] }}{% endfor %}")
    assert template.render([USER]) == "TEXT"
    with pytest.raises(MessageLost):
        template.render([{"role": "user", "content": "a # b"}])


def test_a_role_that_a_template_does_not_know_is_an_error() -> None:
    with pytest.raises(MessageLost, match="'tool'"):
        ChatTemplate(FAMILIES["phi-3 without system"][0]).render([USER, {"role": "tool", "content": "R"}])


def test_the_switches_of_models_that_think_may_go() -> None:
    system = {"role": "system", "content": "Be brief. /no_think"}
    assert "Be brief." in ChatTemplate(FAMILIES["smollm3"][0]).render([system, USER])


def test_which_templates_write_the_date_is_known() -> None:
    dated = {family for family, (source, _) in FAMILIES.items() if writes_date(source)}
    assert dated == {"llama-3 with tools and date", "smollm3", "gpt-oss"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ {'b': '<ä>', 'a': 1} | tojson }}", '{"b": "<ä>", "a": 1}'),
        ("{{ {'b': 'ä', 'a': 1} | tojson(ensure_ascii=true, sort_keys=true) }}", '{"a": 1, "b": "\\u00e4"}'),
        ("{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}", '{"a":[1,2]}'),
        ("{{ [1] | tojson(indent=2) }}", "[\n  1\n]"),
        (
            "{% for i in range(9) %}{% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "02",
        ),
        (
            "{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}{{ enable_thinking }}",
            "TrueTrueTrueFalse",
        ),
        ("{%- generation -%} a {%- endgeneration -%} b", "ab"),
        ("{% set x = namespace(n=1) %}{% set x.n = 2 %}{{ x.n }}", "2"),
    ],
)
def test_templates_find_what_transformers_gives_them(source: str, expected: str) -> None:
    assert ChatTemplate(source + "{{ messages[0].content }}").render([USER]) == expected + "TEXT"


def test_a_template_that_objects_is_quoted() -> None:
    with pytest.raises(PromptError, match="must alternate"):
        ChatTemplate(FAMILIES["gemma without system"][0]).render([USER, USER])
