"""Reading vocabularies: complete texts, what may be in a mask, and the cache on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from tiny_models import CONTROL, USER_DEFINED, bpe_tokens, sentencepiece_tokens, write_model

from engine.decoding import llama, read_vocabulary
from engine.decoding.token_table import read_tokens
from engine.errors import ModelFileInvalid, ModelNotFound
from engine.masks.vocabulary import Vocabulary


def _texts_by_llama_cpp(path: Path, vocabulary: Vocabulary) -> list[bytes]:
    """Each ordinary token's text as llama-cpp-python's own class writes it between two others."""
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    texts = [model.detokenize([token]) for token in np.flatnonzero(vocabulary.ordinary).tolist()]
    model.close()
    return texts


@pytest.mark.parametrize("kind", ["bpe_path", "sentencepiece_path"])
def test_texts_are_those_that_llama_cpp_writes(kind: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(kind)
    vocabulary = read_vocabulary(path)
    ours = [vocabulary.pieces[token] for token in np.flatnonzero(vocabulary.ordinary)]
    theirs = _texts_by_llama_cpp(path, vocabulary)
    # `detokenize` drops the leading space of a SentencePiece token, as for a whole text.
    assert [text for text in ours if not text.startswith(b" ")] == [
        other for text, other in zip(ours, theirs, strict=True) if not text.startswith(b" ")
    ]
    assert all(text.endswith(other) for text, other in zip(ours, theirs, strict=True))


def test_all_256_bytes_have_a_token(bpe_path: Path, sentencepiece_path: Path) -> None:
    for path in (bpe_path, sentencepiece_path):
        vocabulary = read_vocabulary(path)
        single = {vocabulary.pieces[token] for token in np.flatnonzero(vocabulary.ordinary)}
        assert {bytes([value]) for value in range(256)} <= single


def test_tokens_of_more_than_32_bytes_are_complete(tmp_path: Path) -> None:
    tokens = bpe_tokens()
    long = b"x" * 300
    path = write_model(tmp_path / "long.gguf", tokens.with_token(long))
    vocabulary = read_vocabulary(path)
    assert vocabulary.pieces[-1] == long
    assert vocabulary.ordinary[-1]
    assert max(len(piece) for piece in read_vocabulary(path).pieces[:-1]) >= 64


def test_control_unknown_and_unused_tokens_are_never_ordinary(tmp_path: Path) -> None:
    tokens = sentencepiece_tokens().with_token(b"<signal>", CONTROL).with_token(b"[PAD]", 5).with_token(b"<tool>", 4)
    vocabulary = read_vocabulary(write_model(tmp_path / "kinds.gguf", tokens))
    unknown, begin, end = 0, 1, 2
    signal, padding, tool = range(len(vocabulary) - 3, len(vocabulary))
    assert not vocabulary.ordinary[[unknown, begin, end, signal, padding]].any()
    assert vocabulary.ordinary[tool]
    assert vocabulary.pieces[tool] == b"<tool>"


@pytest.mark.parametrize("kind", [CONTROL, USER_DEFINED])
@pytest.mark.parametrize("make", [bpe_tokens, sentencepiece_tokens])
@pytest.mark.parametrize("template", [True, False])
def test_chat_markers_are_never_ordinary(kind: int, make: object, template: bool, tmp_path: Path) -> None:
    tokens = make(markers=kind)  # type: ignore[operator]
    path = tmp_path / "markers.gguf"
    write_model(path, tokens) if template else write_model(path, tokens, chat_template=None)
    table = read_tokens(path)
    markers = {tokens.texts.index(b"<|im_start|>"), tokens.texts.index(b"<|im_end|>")}
    assert markers <= table.markers
    assert not table.vocabulary.ordinary[sorted(markers)].any()


def test_all_tokens_that_end_a_generation_are_end_tokens(bpe_path: Path, sentencepiece_path: Path) -> None:
    assert read_vocabulary(bpe_path).end_tokens == {1, 2}
    assert read_vocabulary(sentencepiece_path).end_tokens == {2, 32000}


def test_user_defined_white_space_is_text_even_where_the_template_writes_it(tmp_path: Path) -> None:
    tokens = bpe_tokens().with_token(b"\n\n", USER_DEFINED)
    template = "{{ messages[0]['content'] }}\n\n<|im_start|>"
    vocabulary = read_vocabulary(write_model(tmp_path / "blank.gguf", tokens, chat_template=template))
    assert vocabulary.ordinary[-1]
    assert vocabulary.pieces[-1] == b"\n\n"


# -- the cache


def test_the_second_reading_needs_no_llama_cpp(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_tokens(bpe_path)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(llama, "LlamaModel", forbidden)
    second = read_tokens(bpe_path)
    assert second.vocabulary == first.vocabulary
    assert second.vocabulary.pieces == first.vocabulary.pieces
    assert second.vocabulary.ordinary.tolist() == first.vocabulary.ordinary.tolist()
    assert second.vocabulary.end_tokens == first.vocabulary.end_tokens
    assert second.specials.tokens == first.specials.tokens
    assert second.markers == first.markers


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "foreign", "folder"])
def test_a_damaged_cache_file_is_ignored_and_rewritten(
    damage: str, bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path))
    whole = read_vocabulary(bpe_path)
    (file,) = (tmp_path / "vocabularies").iterdir()
    content = file.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    file.unlink()
    if damage == "folder":
        file.mkdir()
    else:
        file.write_bytes({"flipped": flipped, "cut": content[:middle], "empty": b"", "foreign": b"PK\3\4" * 99}[damage])
    again = read_vocabulary(bpe_path)
    assert again == whole
    assert again.pieces == whole.pieces
    if damage != "folder":
        assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", bpe_tokens())
    before = read_vocabulary(path)
    write_model(path, bpe_tokens(merges=40))
    assert len(read_vocabulary(path)) < len(before)


def test_a_cache_that_cannot_be_written_is_no_error(
    bpe_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(blocked))
    assert len(read_vocabulary(bpe_path)) > 256


def test_what_is_no_model_file_is_refused(tmp_path: Path, bpe_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        read_vocabulary(tmp_path / "absent.gguf")
    text = tmp_path / "text.gguf"
    text.write_text("not a model")
    with pytest.raises(ModelFileInvalid, match=r"text\.gguf"):
        read_vocabulary(text)
    cut = tmp_path / "cut.gguf"
    shutil.copy(bpe_path, cut)
    os.truncate(cut, bpe_path.stat().st_size // 8)
    with pytest.raises(ModelFileInvalid):
        read_vocabulary(cut)


def test_identity_differs_where_anything_differs() -> None:
    base = Vocabulary.from_pieces([b"ab", b"c", b"<end>"], end_tokens=[2])
    others = [
        Vocabulary.from_pieces([b"a", b"bc", b"<end>"], end_tokens=[2]),
        Vocabulary.from_pieces([b"ab", b"c", b"<end>"], end_tokens=[1]),
        Vocabulary.from_pieces([b"ab", b"c", b"<end>"], end_tokens=[2], signals=[0]),
    ]
    assert base == Vocabulary.from_pieces([b"ab", b"c", b"<end>"], end_tokens=[2])
    assert len({base, *others}) == 4


@pytest.mark.parametrize(
    ("ordinary", "ends"), [([True, True], [1]), ([True, False], [7]), ([True], []), ([False, True], [])]
)
def test_a_contradictory_vocabulary_cannot_be_made(ordinary: list[bool], ends: list[int]) -> None:
    with pytest.raises(ValueError, match=r"token|bool"):
        Vocabulary((b"a", b""), np.array(ordinary, dtype=np.bool_), frozenset(ends), "")
