"""What can go wrong in a demo, each told in a sentence a person can act on."""


class DemoError(Exception):
    """Root of this package: the command prints the text and exits 1."""


class UsageError(DemoError):
    """The request cannot be met as given: the command exits 2."""


class PortTakenError(UsageError):
    """Somebody else listens where a process of ours should."""


class ChildDiedError(DemoError):
    """A process that should run on has ended."""


class NotReadyError(DemoError):
    """The cluster did not come up in time."""


class CoordinatorUnreachableError(DemoError):
    """No answer from the coordinator."""


class CallRefusedError(DemoError):
    """The coordinator answered with an error.

    Attributes:
        status: HTTP status.
        code: stable slug of the error shape (api.md 3), empty if there is none.
    """

    def __init__(self, text: str, status: int, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class MismatchError(DemoError):
    """What came out is not what must come out."""
