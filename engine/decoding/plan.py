"""Plan: how llama.cpp is run on this machine, from the usual way down to the one that asks least of it.

Some builds die on some processors: on Intel's with AMX a build for the native processor faults in its matrix kernels
(ggml-org/llama.cpp #20824, #26954). Each plan leaves out one more of what may be at fault; `engine.decoding.probe` tries
them in turn in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version

from engine.decoding.cpu_cores import usable_cores
from engine.decoding.pass_times import PassTimes, best_sequences
from engine.decoding.settings import SEQUENCES, ModelSettings

_WITHOUT_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


@dataclass(frozen=True, slots=True)
class Plan:
    """`extra_buffers`: weights in the layouts of special kernels (AMX, repacking); `sequences`: documents at once;
    `gpu_layers`: -1 is all. None leaves a choice to llama.cpp.
    """

    name: str
    extra_buffers: bool | None = None
    flash_attention: bool | None = None
    threads: int | None = None
    sequences: int = SEQUENCES
    gpu_layers: int = 0

    def applied(self, settings: ModelSettings) -> ModelSettings:
        """The settings, with what they leave open as the plan has it."""
        return replace(
            settings,
            extra_buffers=self.extra_buffers if settings.extra_buffers is None else settings.extra_buffers,
            flash_attention=self.flash_attention if settings.flash_attention is None else settings.flash_attention,
            threads=self.threads if settings.threads is None else settings.threads,
            sequences=settings.sequences or self.sequences,
            gpu_layers=self.gpu_layers if settings.gpu_layers is None else settings.gpu_layers,
        )


USUAL = Plan("usual")
PLAINEST = Plan("no flash attention", extra_buffers=False, flash_attention=False)
PLANS: tuple[Plan, ...] = (
    USUAL,
    Plan("no extra buffers", extra_buffers=False),
    PLAINEST,
    Plan("one thread", extra_buffers=False, flash_attention=False, threads=1),
)


def tuned(plan: Plan, times: PassTimes, settings: ModelSettings) -> Plan:
    """The plan with what was measured to be fastest."""
    threads = None if times.threads == usable_cores() else times.threads  # which may be others tomorrow
    return replace(
        plan,
        flash_attention=plan.flash_attention if times.flash_attention is None else times.flash_attention,
        threads=threads if plan.threads is None else plan.threads,
        sequences=best_sequences(times, settings.most_sequences),
    )


def reinstall_command() -> str:
    """How to build llama.cpp without AMX, which keeps the kernels that the second plan gives up."""
    flags = f'-DCMAKE_C_FLAGS="{_WITHOUT_AMX}" -DCMAKE_CXX_FLAGS="{_WITHOUT_AMX}"'
    package = f"llama-cpp-python=={version('llama-cpp-python')}"
    return f"CMAKE_ARGS='{flags}' pip install --force-reinstall --no-deps --no-cache-dir --no-binary llama-cpp-python {package}"
