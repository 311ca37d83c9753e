#!/usr/bin/env python
"""Django's command-line entry: the same commands as the console script."""

from varpulis_site.cli import main

if __name__ == "__main__":
    main()
