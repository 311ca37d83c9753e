"""The aggregate functions of vpl.md section 9.3 and those over trends (20)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate and how many arguments it takes; `trends` marks those that only
    `trend_aggregate` knows. `percentile` and `ema` take a constant second."""

    name: str
    least: int
    most: int
    trends: bool = False


AGGREGATES: dict[str, Aggregate] = {
    item.name: item
    for item in (
        Aggregate("count", 0, 1),
        Aggregate("sum", 1, 1),
        Aggregate("avg", 1, 1),
        Aggregate("min", 1, 1),
        Aggregate("max", 1, 1),
        Aggregate("stddev", 1, 1),
        Aggregate("variance", 1, 1),
        Aggregate("median", 1, 1),
        Aggregate("percentile", 2, 2),
        Aggregate("first", 1, 1),
        Aggregate("last", 1, 1),
        Aggregate("ema", 2, 2),
        Aggregate("count_distinct", 1, 1),
        Aggregate("collect", 1, 1),
        Aggregate("count_trends", 0, 0, trends=True),
        Aggregate("count_events", 0, 1, trends=True),
        Aggregate("sum_trends", 1, 1, trends=True),
        Aggregate("avg_trends", 1, 1, trends=True),
        Aggregate("min_trends", 1, 1, trends=True),
        Aggregate("max_trends", 1, 1, trends=True),
    )
}
