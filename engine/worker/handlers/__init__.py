"""What the worker answers, one module per noun."""
