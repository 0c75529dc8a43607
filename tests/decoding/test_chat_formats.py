"""The named chat formats say what llama.cpp's own, hand-written ones say."""

from __future__ import annotations

import ctypes
from pathlib import Path

import llama_cpp.llama_cpp as native
import pytest

from engine.decoding.chat_formats import CHAT_FORMATS
from engine.decoding.chat_template import ChatTemplate, Message
from engine.decoding.loaded_model import LoadedModel
from engine.decoding.prompt_encoder import PromptEncoder
from engine.decoding.settings import ModelSettings

CONVERSATIONS: list[list[Message]] = [
    [{"role": "user", "content": "My name is John"}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
    [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}],
    [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ],
]
# llama.cpp leaves the begin token to the tokeniser; here it stands for nothing.
ORACLES = {
    "chatml": ("chatml", ""),
    "command-r": ("command-r", ""),
    "deepseek-3": ("deepseek3", ""),
    "gemma": ("gemma", ""),
    "granite": ("granite", ""),
    "llama-2": ("llama2-sys", "</s>"),
    "llama-3": ("llama3", ""),
    "mistral-instruct": ("mistral-v1", "</s>"),
    "mistral-v7": ("mistral-v7", "</s>"),
    "phi-3": ("phi3", ""),
    "phi-4": ("phi4", ""),
    "zephyr": ("zephyr", "<|endoftext|>"),
}


def _by_llama_cpp(name: str, messages: list[Message]) -> str:
    chat = (native.llama_chat_message * len(messages))(
        *(native.llama_chat_message(message["role"].encode(), message["content"].encode()) for message in messages)
    )
    buffer = ctypes.create_string_buffer(4096)
    size = native.llama_chat_apply_template(name.encode(), chat, len(messages), True, buffer, len(buffer))
    assert size > 0
    return buffer.raw[:size].decode()


@pytest.mark.parametrize("messages", CONVERSATIONS, ids=["user", "turns", "system", "system-turns"])
@pytest.mark.parametrize("name", sorted(CHAT_FORMATS))
def test_a_format_is_llama_cpps(name: str, messages: list[Message]) -> None:
    oracle, eos = ORACLES[name]
    ours = ChatTemplate(CHAT_FORMATS[name], bos="", eos=eos).render(messages)
    theirs = _by_llama_cpp(oracle, messages)
    if name in ("llama-2", "mistral-instruct"):
        # llama.cpp writes SentencePiece's space prefix out here, and puts no blanks around an earlier answer.
        ours, theirs = (text.replace(" ", "") for text in (ours, theirs))
    assert ours == theirs


# What mistral-common's `MistralTokenizer.v1().encode_chat_completion` gives for the first two conversations; it needs
# sentencepiece, which these tests do without.
MISTRAL_TOKENS = (
    (1, 733, 16289, 28793, 1984, 1141, 349, 2215, 733, 28748, 16289, 28793),
    (1, 733, 16289, 28793, 264, 733, 28748, 16289, 28793, 287, 2, 733, 16289, 28793, 277, 733, 28748, 16289, 28793),
)


def test_mistrals_tokens_are_those_of_its_makers(sentencepiece_path: Path) -> None:
    model = LoadedModel(sentencepiece_path, ModelSettings(n_ctx=64))
    # OpenHermes has another end token than Mistral.
    encoder = PromptEncoder(model, chat_template=CHAT_FORMATS["mistral-instruct"].replace("eos_token", "'</s>'"))
    for messages, tokens in zip(CONVERSATIONS, MISTRAL_TOKENS, strict=False):
        assert encoder.encode(messages) == tokens
