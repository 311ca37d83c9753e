"""Other engines on the same events, each in a process of another virtual environment.

PyPI's `csp` has a module of the name that django-csp has too, so peers never share ours.
"""
