"""What the decode loop relies on in llama.cpp, with a model of random weights; and what is refused before it aborts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tiny_models import Weights, bpe_tokens, write_model

from engine.decoding.language_model import Feed, Row
from engine.decoding.llama import LlamaContext, LlamaModel, describe_backend
from engine.decoding.settings import KV_TYPES, ModelSettings
from engine.errors import BackendFailed, ModelFileInvalid

SETTINGS = ModelSettings(n_ctx=256, n_batch=64, sequences=3, threads=1)
TOKENS = tuple(range(10, 40))


@pytest.fixture(scope="module")
def model(bpe_path: Path) -> LlamaModel:
    return LlamaModel(bpe_path, SETTINGS)


@pytest.fixture
def context(model: LlamaModel) -> Iterator[LlamaContext]:
    context = LlamaContext(model, SETTINGS)
    yield context
    context.close()


def _last(context: LlamaContext, sequence: int, start: int, tokens: tuple[int, ...]) -> Row:
    ((row,),) = context.decode([Feed(sequence, start, tokens, 1)])
    return row.copy()


def _fresh(model: LlamaModel, tokens: tuple[int, ...]) -> Row:
    return _last(LlamaContext(model, SETTINGS), 1, 0, tokens)


def test_logits_are_one_float_for_each_token_and_differ_by_what_came_before(
    model: LlamaModel, context: LlamaContext
) -> None:
    row = _last(context, 1, 0, TOKENS)
    assert row.shape == (len(model),)
    assert row.dtype == np.float32
    assert np.isfinite(row).all()
    assert not np.allclose(row, _last(context, 2, 0, TOKENS[:-1]))


def test_rows_of_one_pass_are_those_of_single_passes(model: LlamaModel, context: LlamaContext) -> None:
    answers = context.decode([Feed(1, 0, TOKENS[:20], 3), Feed(2, 0, TOKENS[5:30], 1), Feed(3, 0, TOKENS[:4], 0)])
    assert [len(rows) for rows in answers] == [3, 1, 0]
    for index, length in enumerate((18, 19, 20)):
        assert np.allclose(answers[0][index], _fresh(model, TOKENS[:length]), atol=0.05)
    assert np.allclose(answers[1][0], _fresh(model, TOKENS[5:30]), atol=0.05)


def test_a_sequence_that_was_cut_goes_on_as_if_nothing_had_followed(model: LlamaModel, context: LlamaContext) -> None:
    _last(context, 1, 0, TOKENS)
    context.truncate(1, 7)
    assert np.allclose(_last(context, 1, 7, (50, 51)), _fresh(model, (*TOKENS[:7], 50, 51)), atol=0.05)


def test_a_part_of_a_sequence_is_shared_and_both_go_their_own_ways(model: LlamaModel, context: LlamaContext) -> None:
    context.decode([Feed(0, 0, TOKENS, 0)])
    for sequence, length in ((1, 12), (2, 30), (3, 1)):
        context.share(0, sequence, length)
        row = _last(context, sequence, length, (60 + sequence,))
        assert np.allclose(row, _fresh(model, (*TOKENS[:length], 60 + sequence)), atol=0.05)
    context.truncate(1, 0)
    assert np.allclose(_last(context, 0, 30, (70,)), _fresh(model, (*TOKENS, 70)), atol=0.05)


def test_sharing_what_is_not_there_is_an_error(context: LlamaContext) -> None:
    context.decode([Feed(0, 0, TOKENS[:5], 0)])
    with pytest.raises(BackendFailed, match="sequence 1"):
        context.share(0, 1, 9)
    assert not context.usable


def test_cells_that_are_shared_count_once(model: LlamaModel) -> None:
    context = LlamaContext(model, ModelSettings(n_ctx=256, n_batch=256, sequences=8, threads=1))
    prefix = tuple(10 + at % 200 for at in range(200))
    context.decode([Feed(0, 0, prefix, 0)])
    for sequence in range(1, 9):
        context.share(0, sequence, 200)
        assert np.isfinite(_last(context, sequence, 200, (5, 6, 7))).all()  # counted apart they would not fit into 256


def test_a_full_cache_is_an_error_that_says_what_to_do(model: LlamaModel) -> None:
    context = LlamaContext(model, SETTINGS)
    for place in range(4):
        context.decode([Feed(place, 0, TOKENS * 2, 0)])
    with pytest.raises(BackendFailed, match="raise n_ctx"):
        context.decode([Feed(1, 60, TOKENS * 2, 0)])
    assert not context.usable


@pytest.mark.parametrize(
    "feeds",
    [
        [],
        [Feed(1, 0, (5,) * 65, 1)],
        [Feed(1, 0, tuple(range(10, 60)), 65)],
        [Feed(1, 0, (10**6,), 1)],
        [Feed(1, 0, (-1,), 1)],
    ],
)
def test_passes_that_would_abort_the_process_are_refused(context: LlamaContext, feeds: list[Feed]) -> None:
    with pytest.raises(BackendFailed, match="llama_decode"):
        context.decode(feeds)
    assert context.usable


def test_a_position_that_does_not_continue_the_sequence_is_an_error(context: LlamaContext) -> None:
    with pytest.raises(BackendFailed, match="invalid batch"):
        context.decode([Feed(1, 0, TOKENS, 0), Feed(1, 99, TOKENS, 0)])


@pytest.mark.parametrize("kv_type", sorted(KV_TYPES))
def test_every_type_of_cache_works(kv_type: str, tmp_path: Path) -> None:
    # Heads of 32 values: the packed types have blocks of 32.
    path = write_model(tmp_path / "model.gguf", bpe_tokens(), Weights(width=64))
    context = LlamaContext(LlamaModel(path, SETTINGS), ModelSettings(n_ctx=256, kv_type=kv_type, threads=1))
    assert np.isfinite(_last(context, 1, 0, TOKENS)).all()


def test_a_cache_that_cannot_be_made_says_what_to_do(model: LlamaModel) -> None:
    with pytest.raises(BackendFailed, match="kv_type"):
        LlamaContext(model, ModelSettings(n_ctx=256, kv_type="q4_0", threads=1))


def test_what_is_closed_says_so(bpe_path: Path) -> None:
    model = LlamaModel(bpe_path, SETTINGS)
    context = LlamaContext(model, SETTINGS)
    model.close()
    with pytest.raises(BackendFailed, match="closed"):
        model.tokenize(b"a")
    # The context keeps the weights alive.
    assert np.isfinite(_last(context, 1, 0, TOKENS)).all()
    context.close()
    with pytest.raises(BackendFailed, match="closed"):
        _last(context, 1, 30, TOKENS)


def test_text_that_is_not_utf8_never_reaches_llama_cpp(model: LlamaModel) -> None:
    with pytest.raises(UnicodeDecodeError):
        model.tokenize(b"\xff")


def test_the_estimate_of_the_cache_is_llama_cpps(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.gguf", bpe_tokens(), Weights(layers=3, width=64, heads=4))
    model = LlamaModel(path, SETTINGS)
    # 3 layers of 4 heads of 16 keys and 16 values, in 2 bytes each.
    assert model.cache_shape.bytes_per_token("f16") == 3 * 4 * (16 + 16) * 2
    assert model.trained_context == 2048


def test_a_model_that_is_none_is_refused_with_llama_cpps_reason(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(ModelFileInvalid, match=r"model\.gguf"):
        LlamaModel(path, SETTINGS)


def test_llama_cpp_is_silent_unless_asked(bpe_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    LlamaContext(LlamaModel(bpe_path, SETTINGS), SETTINGS)
    assert capfd.readouterr() == ("", "")
    LlamaModel(bpe_path, ModelSettings(verbose=True))
    LlamaModel(bpe_path, SETTINGS)
    out, err = capfd.readouterr()
    assert out == ""
    assert "llama_model_loader" in err


def test_the_backend_describes_itself() -> None:
    assert "CPU" in describe_backend()
