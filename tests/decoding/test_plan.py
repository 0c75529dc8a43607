"""Plans are tried in a process that may die, and what lived is remembered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.decoding import plan_choice
from engine.decoding.loaded_model import forget_plan, load_model
from engine.decoding.pass_times import PassTimes, Workload
from engine.decoding.plan import PLAINEST, PLANS, USUAL, Plan, reinstall_command
from engine.decoding.plan_choice import PlanChoice, choose, plan_for
from engine.decoding.probe import FAULT, Trial, attempt
from engine.decoding.settings import ModelSettings
from engine.errors import ModelKillsProcess

MEASURED = ModelSettings(n_ctx=256, threads=1, sequences=1)
SETTINGS = replace(MEASURED, calibrated=False)
NAMES = [plan.name for plan in PLANS]


@pytest.fixture
def probing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The probe is on, and nothing is remembered."""
    monkeypatch.delenv("ENGINE_PROBE")
    monkeypatch.setenv("ENGINE_CACHE_DIR", str(tmp_path))
    return tmp_path


def find(path: Path, told: list[str] | None = None, settings: ModelSettings = SETTINGS) -> PlanChoice:
    return plan_for(path, settings, lambda: "build 1", (told if told is not None else []).append, lambda: None)


@pytest.mark.parametrize(
    ("fault", "said"),
    [("SIGSEGV", "died with SIGSEGV"), ("SIGILL", "died with SIGILL"), ("exit", "the model cannot be loaded")],
)
def test_a_plan_that_dies_gives_way(
    fault: str, said: str, probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FAULT, json.dumps({NAMES[0]: fault}))
    told: list[str] = []
    choice = find(bpe_path, told)
    assert choice.plan == PLANS[1]
    assert [name for name, _ in choice.failed] == NAMES[:1]
    assert said in str(choice)
    assert said in told[-1]


def test_garbage_is_told_by_the_plain_kernels(probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FAULT, json.dumps({NAMES[0]: "garbage", NAMES[1]: "garbage"}))
    choice = find(bpe_path)
    assert choice.plan == PLAINEST
    assert all("plain kernels" in fault for _, fault in choice.failed)


def test_what_hangs_is_killed(bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FAULT, json.dumps({NAMES[0]: "hang"}))
    assert attempt(bpe_path, SETTINGS, USUAL, seconds=1.0).fault == "did not answer within 1 s"


def test_a_model_that_kills_every_plan_is_an_error(
    probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FAULT, json.dumps(dict.fromkeys(NAMES, "SIGSEGV")))
    with pytest.raises(ModelKillsProcess, match="one thread: died with SIGSEGV") as raised:
        load_model(bpe_path, SETTINGS)
    assert [name for name, _ in raised.value.failed] == NAMES


def test_what_lived_is_remembered_and_used(probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FAULT, json.dumps({NAMES[0]: "SIGSEGV"}))
    model = load_model(bpe_path, SETTINGS)
    assert model.settings.extra_buffers is False
    assert "no extra buffers" in model.plan

    def none(*_: Any, **__: Any) -> Trial:
        raise AssertionError("it was tried again")

    monkeypatch.setattr(plan_choice, "attempt", none)
    assert load_model(bpe_path, SETTINGS).plan == model.plan
    (kept,) = (probing / "plans").glob("*.json")
    kept.write_text("{", encoding="utf-8")
    with pytest.raises(AssertionError, match="tried again"):
        load_model(bpe_path, SETTINGS)


def test_a_healthy_machine_takes_the_usual_plan(probing: Path, bpe_path: Path) -> None:
    told: list[str] = []
    choice = find(bpe_path, told, MEASURED)
    assert str(choice).startswith("usual")
    assert "ms a token of a prompt" in str(choice)
    assert len(told) == 2  # tried, and measured
    assert find(bpe_path, told, MEASURED) == choice
    assert len(told) == 2


def test_times_of_a_busy_machine_are_marked_and_can_be_measured_again(
    probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_choice, "is_busy", lambda: True)
    assert "on a busy machine" in load_model(bpe_path, MEASURED).plan
    monkeypatch.setattr(plan_choice, "is_busy", lambda: False)
    assert "on a busy machine" in load_model(bpe_path, MEASURED).plan
    forget_plan(bpe_path, MEASURED)
    assert "busy" not in load_model(bpe_path, MEASURED).plan


def test_what_another_process_found_meanwhile_is_not_found_again(
    probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(bpe_path, settings=MEASURED)
    (kept,) = (probing / "plans").glob("*.json")
    text = kept.read_text("utf-8")
    kept.unlink()

    @contextmanager
    def late(kept: Path) -> Iterator[bool]:
        kept.write_text(text, "utf-8")
        yield True

    monkeypatch.setattr(plan_choice, "alone_with", late)
    told: list[str] = []
    assert find(bpe_path, told, MEASURED) == found
    assert told == []


def test_where_nothing_can_be_kept_nothing_is_measured(
    probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (probing / "plans").write_text("", encoding="utf-8")
    told: list[str] = []
    assert find(bpe_path, told, MEASURED) == PlanChoice(USUAL)
    assert told == [f"trying {bpe_path.name} on this processor, once"]


def test_without_calibration_llama_cpp_chooses(probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise AssertionError("that is known")

    with monkeypatch.context() as patch:
        patch.setattr(plan_choice, "calibrate", none)
        assert find(bpe_path) == PlanChoice(USUAL)
    monkeypatch.setattr(plan_choice, "attempt", none)
    assert find(bpe_path, settings=MEASURED).times is not None
    assert find(bpe_path) == PlanChoice(USUAL)


def test_what_was_measured_to_be_fastest_is_taken_for_the_work(
    probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = PassTimes(None, 1, ((1, 9.0), (8, 60.0)), 1.0)
    rows = PassTimes(False, 1, ((1, 5.0), (8, 12.0)), 3.0)
    monkeypatch.setattr(plan_choice, "calibrate", lambda *_, **__: (prompts, rows))

    def found(work: Workload, **settings: Any) -> PlanChoice:
        wanted = ModelSettings(n_ctx=4096, threads=1, **settings)
        return plan_for(bpe_path, wanted, lambda: "1", lambda _: None, lambda: None, work)

    assert found(Workload(prompt=1000, answer=10)).plan.flash_attention is None
    chosen = found(Workload(prompt=10, answer=100))
    assert chosen.plan.flash_attention is False
    assert "no flash attention, which is faster" in str(chosen)
    assert chosen.plan.applied(ModelSettings()).sequences == chosen.plan.sequences == 8
    assert chosen.plan.applied(ModelSettings(sequences=2)).sequences == 2


@pytest.mark.parametrize("bad", [(float("nan"),) * 4, (float("inf"), 0.0, 0.0, 0.0)])
def test_logits_that_are_not_numbers_are_a_fault(bad: tuple[float, ...]) -> None:
    def trial(_path: Path, _settings: ModelSettings, plan: Plan) -> Trial:
        return Trial(plan, bad if plan == USUAL else (0.0, 1.0, 2.0, 3.0))

    assert choose(Path("x"), SETTINGS, trial).failed == (("usual", "its logits are not numbers"),)


@pytest.mark.parametrize(("flags", "plan"), [("flags: sse2 amx_tile", PLANS[1]), ("flags: sse2", USUAL)])
def test_a_single_file_leaves_amx_out(
    flags: str, plan: Plan, probing: Path, bpe_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr(plan_choice, "processor", lambda: flags)
    choice = find(bpe_path)
    assert choice.plan == plan
    assert "not tried" in str(choice)


def test_settings_of_the_user_win() -> None:
    assert PLAINEST.applied(ModelSettings(flash_attention=True)).flash_attention is True
    assert PLANS[-1].applied(ModelSettings(threads=3)).threads == 3


def test_the_remedy_leaves_amx_out() -> None:
    assert reinstall_command().count("-mno-amx-tile -mno-amx-int8 -mno-amx-bf16") == 2
