"""How figures are laid out, and the ratio that they are judged by."""

from collections.abc import Mapping, Sequence
from statistics import median


def median_ratio(sides: Mapping[str, Sequence[float]]) -> float:
    """Return how many times as long as by hand it takes us, by the medians."""
    return median(sides["ours"]) / median(sides["raw"])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table whose columns are as wide as what is in them."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    first, *rest = (
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in (head, *rows)
    )
    return [first, f"|{'|'.join('-' * (width + 2) for width in widths)}|", *rest]
