"""A file is replaced whole or not at all, and nothing is left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.basics.replacing import replacing


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_at_the_end(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "a"
    target.write_text("old")
    with replacing(target, durable=durable) as draft:
        draft.write_text("new")
        assert target.read_text() == "old"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "new")]


def test_an_error_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(target) as draft:
        (draft.write_text("half"), (tmp_path / "absent").read_text())
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a", "old")]
