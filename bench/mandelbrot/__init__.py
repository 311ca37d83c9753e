"""A million pixels: compute beside scalar C, contexts on two cores, messages by MQTT.

Every count of iterations is compared with the formula by NumPy, and C's with ours.
"""

from bench.mandelbrot.running import run

__all__ = ["run"]
