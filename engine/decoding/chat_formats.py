"""Chat templates by name, for model files that carry none.

The names are those of the last column of `models.txt` and of `engine.models.ollama`. Each text is Jinja, in the words
of the models' own cards; like the templates inside model files they write the vocabulary's begin-of-text token
themselves where the format has one.
"""

from __future__ import annotations

from types import MappingProxyType

_CHATML = """\
{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

_LLAMA_3 = """\
{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}\
{{ message['content'] | trim }}{{ '<|eot_id|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"""

_ALTERNATING = """\
{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}\
{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}\
{% for message in turns %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('after the system message, user and assistant must take turns, the user first') }}{% endif %}"""

_LLAMA_2 = (
    _ALTERNATING
    + """\
{% if loop.first and system %}{% set content = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + message['content'] %}\
{% else %}{% set content = message['content'] %}{% endif %}\
{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content | trim + ' [/INST]' }}\
{% else %}{{ ' ' + content | trim + ' ' + eos_token }}{% endif %}{% endfor %}"""
)

_MISTRAL = (
    "{{ bos_token }}"
    + _ALTERNATING
    + """\
{% if loop.first and system %}{% set content = system + '\n\n' + message['content'] %}\
{% else %}{% set content = message['content'] %}{% endif %}\
{% if message['role'] == 'user' %}{{ '[INST] ' + content + ' [/INST]' }}\
{% else %}{{ ' ' + content + eos_token }}{% endif %}{% endfor %}"""
)

_GEMMA = (
    "{{ bos_token }}"
    + _ALTERNATING
    + """\
{% if loop.first and system %}{% set content = system + '\n\n' + message['content'] %}\
{% else %}{% set content = message['content'] %}{% endif %}\
{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}\
{{ '<start_of_turn>' + role + '\n' + content | trim + '<end_of_turn>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"""
)

_ZEPHYR = """\
{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"""

_MISTRAL_V7 = """\
{{ bos_token }}{% for message in messages %}\
{% if message['role'] == 'system' %}{{ '[SYSTEM_PROMPT] ' + message['content'] + '[/SYSTEM_PROMPT]' }}\
{% elif message['role'] == 'user' %}{{ '[INST] ' + message['content'] + '[/INST]' }}\
{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"""

_PHI_3 = """\
{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"""

_PHI_4 = """\
{% for message in messages %}\
{{ '<|im_start|>' + message['role'] + '<|im_sep|>' + message['content'] + '<|im_end|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}"""

_GRANITE = """\
{% for message in messages %}\
{{ '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|>\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %}"""

_COMMAND_R = """\
{{ bos_token }}{% for message in messages %}\
{% set role = {'user': 'USER', 'system': 'SYSTEM', 'assistant': 'CHATBOT'}[message['role']] %}\
{{ '<|START_OF_TURN_TOKEN|><|' + role + '_TOKEN|>' + message['content'] | trim + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}"""

# The bars are full-width, the blanks are U+2581.
_DEEPSEEK_3 = """\
{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}\
{% elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}\
{% else %}{{ '<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}\
{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}"""

CHAT_FORMATS = MappingProxyType(
    {
        "chatml": _CHATML,
        "command-r": _COMMAND_R,
        "deepseek-3": _DEEPSEEK_3,
        "gemma": _GEMMA,
        "granite": _GRANITE,
        "llama-2": _LLAMA_2,
        "llama-3": _LLAMA_3,
        "mistral-instruct": _MISTRAL,
        "mistral-v7": _MISTRAL_V7,
        "phi-3": _PHI_3,
        "phi-4": _PHI_4,
        "zephyr": _ZEPHYR,
    }
)
