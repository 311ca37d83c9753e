"""The Mandelbrot set, computed tile by tile by the workers of a cluster."""
