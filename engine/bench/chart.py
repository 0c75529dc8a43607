"""Chart: the medians of a comparison as horizontal bars in a PNG file, drawn by matplotlib without a display."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.bench.versus import ContenderRow
from engine.errors import UsageError


def draw(rows: Sequence[ContenderRow], path: Path, *, title: str) -> None:
    """One group of bars for each contender that ran, one bar for each condition, fastest at the top."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("a chart needs matplotlib: pip install 'engine[bench]'") from error
    ran = [row for row in rows if row.seconds]
    conditions = list(dict.fromkeys(name for row in ran for name in row.seconds))
    ran.sort(key=lambda row: row.median(conditions[0]) or 0.0, reverse=True)
    figure = Figure(figsize=(8, 1 + 0.28 * len(ran) * max(1, len(conditions))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    height = 0.8 / max(1, len(conditions))
    for index, condition in enumerate(conditions):
        places = [place - index * height for place in range(len(ran))]
        bars = axes.barh(places, [row.median(condition) or 0.0 for row in ran], height, label=condition)
        axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.set_yticks([place - 0.4 + height / 2 for place in range(len(ran))], [row.label for row in ran])
    axes.set_xlabel("seconds, median; shorter is better")
    axes.set_title(title)
    axes.legend()
    figure.savefig(path, dpi=150)
