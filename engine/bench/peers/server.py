"""llama-server's own code inside this process, without HTTP: slots, prompt cache and its grammar of the schema."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import xllamacpp

from engine.bench.peers.work import Prompt, Work


class Server:
    """`options`: "slots" is how many prompts are decoded at once, "flash_attention" as in llama.cpp (None: its choice)."""

    def __init__(self, work: Work) -> None:
        self.version = version("xllamacpp")
        self._schema = work.schema
        self._slots = int(work.options.get("slots", 1))
        params = xllamacpp.CommonParams()
        params.model.path = work.model
        params.n_ctx = work.n_ctx
        params.n_parallel = self._slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = work.threads
        params.kv_unified = True
        params.cache_ram_mib = 0  # prompts of earlier runs must not come back
        params.verbosity = 0
        flash = work.options.get("flash_attention")
        if flash is not None:
            kinds = xllamacpp.llama_flash_attn_type
            on, off = kinds.LLAMA_FLASH_ATTN_TYPE_ENABLED, kinds.LLAMA_FLASH_ATTN_TYPE_DISABLED
            params.flash_attn_type = on if flash else off
        self._server = xllamacpp.Server(params)

    def run(self, prompt: Prompt, max_tokens: int) -> str:
        wanted = {"prompt": prompt.rendered, "n_predict": max_tokens, "temperature": 0.0, "cache_prompt": True}
        answer = self._server.handle_completions(wanted | {"json_schema": self._schema})
        if "choices" not in answer:
            raise RuntimeError(f"the server answered {answer}")
        return str(answer["choices"][0]["text"])

    def run_many(self, prompts: Sequence[Prompt], max_tokens: int) -> tuple[str, ...]:
        with ThreadPoolExecutor(self._slots) as pool:
            return tuple(pool.map(lambda prompt: self.run(prompt, max_tokens), prompts))
