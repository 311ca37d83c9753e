"""How long events take in a pipeline: a histogram with fixed buckets."""

from bisect import bisect_left

# Upper bounds in seconds (api.md section 9: 0.5 ms to 10 s).
BOUNDS_S = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)


class LatencyHistogram:
    """Counts of observations per bucket; the last bucket is beyond all bounds."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.total_s = 0.0

    @property
    def count(self) -> int:
        """Return the number of observations."""
        return sum(self.counts)

    def observe(self, seconds: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds

    def quantile_s(self, share: float) -> float:
        """Return the upper bound of the bucket that holds the share; 0.0 if empty."""
        wanted = share * self.count
        if not wanted:
            return 0.0
        reached = 0
        for bound, count in zip(BOUNDS_S, self.counts, strict=False):
            reached += count
            if reached >= wanted:
                return bound
        return BOUNDS_S[-1]
