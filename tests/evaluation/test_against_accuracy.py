"""Our figures equal those of the script that came with the data sets, for outputs that are right, wrong and odd."""

import importlib.util
import json
import os
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from engine.evaluation.evaluation import evaluate_rows
from engine.evaluation.labelled import Labelled, LabelledRow

DATA = os.environ.get("ENGINE_TEST_DATA")
SETS = ["receipts", "entities", "references", "ingredients", "contracts", "addresses", "bookings", "advisories"]

pytestmark = pytest.mark.skipif(not DATA, reason="ENGINE_TEST_DATA names no folder of data sets")


def spoilt(value: Any, chance: random.Random) -> Any:
    """The value as a model might give it: mostly as it is, else missing, changed, or of another document."""
    draw = chance.random()
    if draw < 0.6:
        return value
    if draw < 0.75:
        return None
    if isinstance(value, list):
        return [*value[: len(value) // 2], "elsewhere"]
    return f" {value}, " if draw < 0.85 else "John Doe" if isinstance(value, str) else 7


@pytest.mark.parametrize("name", SETS)
def test_the_figures_are_those_of_the_script(name: str) -> None:
    script = _module(Path(DATA or "") / "accuracy.py")
    model, many = script.schema_of(name)
    chance, rows = random.Random(name), []
    lines = (Path(DATA or "") / f"{name}-dev.jsonl").read_text("utf-8").splitlines()[:60]
    for line in lines:
        document = json.loads(line)
        answer = document.get("answer", document.get("gold"))
        objects = answer if many else [answer]
        got = [{key: spoilt(value, chance) for key, value in each.items()} for each in objects if chance.random() < 0.9]
        got += [dict.fromkeys(each, "John Doe") for each in objects[:1] if many and chance.random() < 0.5]
        chance.shuffle(got)
        whole: Any = got if many else next(iter(got), None)
        output = None if chance.random() < 0.1 else whole
        rows.append({"text": document["text"], "gold": answer, "out": output})
    theirs = script.score(rows, model, many)
    ours = evaluate_rows(
        model,
        [LabelledRow(Labelled(str(i), row["text"], row["gold"]), row["out"]) for i, row in enumerate(rows)],
    ).figures
    assert ours.in_text == pytest.approx(theirs["in_text"])
    assert ours.tally.invalid == theirs["invalid"]
    if many:
        assert (ours.objects_f1, ours.fields_f1) == pytest.approx((theirs["objects_f1"], theirs["fields_f1"]))
    else:
        assert ours.fields_right == pytest.approx(theirs["fields"])
        assert ours.filled_right == pytest.approx(theirs["filled"])
        assert ours.nulls_kept == (theirs["null_kept"] and pytest.approx(theirs["null_kept"]))
    shares = {key: x["share"] or 0 for key, x in ours.as_json()["fields"].items()}
    assert shares == pytest.approx(theirs["per_field"], abs=0.001)


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("accuracy_of_the_data_sets", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
