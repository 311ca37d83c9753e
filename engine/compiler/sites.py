"""The places of a program that make output events."""

from engine.compiler.outputs import OutputSite


class Sites:
    """All emit statements of functions: what `.process` may get."""

    def __init__(self) -> None:
        self.all: list[OutputSite] = []

    def add(self, site: OutputSite) -> None:
        """Remember a place."""
        self.all.append(site)
