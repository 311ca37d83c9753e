"""The seven workloads that the Rust original publishes, and one of windows by the clock.

Ours beside a hand-written program, the floor of decoding, and the peers; the published
figures of the original and of Apama stand beside them, measured on other hardware.
"""

from bench.published.running import SCENARIOS, run

__all__ = ["SCENARIOS", "run"]
