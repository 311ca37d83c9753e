"""The console script `varpulis`: Django's command line under one name."""

import os
import sys


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "varpulis_site.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
