"""A Ray job: the same extraction on the actors of a cluster, as a step of a Ray Data pipeline (extra [ray]).

python ray_job.py
"""

from __future__ import annotations

import ray
from pydantic import BaseModel
from ray.data import ActorPoolStrategy

from engine.jobs.job_spec import JobSpec
from engine.jobs.ray import Extract


class User(BaseModel):
    name: str
    age: int


def main() -> None:
    # Each actor loads the model once; `engine` and this module must be importable on every node.
    ray.init(num_cpus=2, include_dashboard=False)
    texts = [{"id": "a", "text": "My name is John and I am 20 years old"}, {"id": "b", "text": "I am Mary, 21"}]
    found = ray.data.from_items(texts).map_batches(
        Extract, fn_constructor_args=(JobSpec.of(User, max_items=1),), batch_size=8, compute=ActorPoolStrategy(size=1)
    )
    for row in found.iter_rows():
        print(row["id"], row["objects"], row["error"])
    ray.shutdown()


if __name__ == "__main__":
    main()
