"""Programs -> pipelines with the connectors of this worker."""

from collections.abc import Callable

from engine import (
    CheckpointError,
    InvalidProgramError,
    LoadError,
    Pipeline,
    compile_program,
)
from engine.checkpoint import Restored
from engine.connectors.base import LookupFactory, SinkFactory, SourceFactory
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.connectors.registry import UnknownConnectorError
from engine.limit_policy import LimitPolicy
from engine.worker.deployment import Deployment
from engine.worker.errors import ApiError, broken_program
from vpl import Host

SourcesOf = Callable[[str], SourceFactory]
"""Gives the sources of one pipeline, whose name on this worker outlives a restart."""


class Launcher:
    """Make pipelines; without `sources_of` only injected events arrive.

    `policy` says which limits they get: never more than it allows, whatever they ask.
    All methods block; they raise ApiError 400 for a broken program.
    """

    def __init__(
        self,
        *,
        make_sink: SinkFactory,
        sources_of: SourcesOf | None = None,
        make_lookup: LookupFactory | None = None,
        dead_letters: DeadLetters | None = None,
        guard: Guard | None = None,
        policy: LimitPolicy | None = None,
    ) -> None:
        self._make_sink = make_sink
        self._sources_of = sources_of
        self._make_lookup = make_lookup
        self._dead_letters = dead_letters
        self._guard = guard
        self._policy = policy or LimitPolicy()

    def make(self, deployment: Deployment, pipeline_id: str) -> Pipeline:
        """Return the pipeline of a deployment, not started."""
        sources = self._sources_of and self._sources_of(
            _lasting_name(deployment, pipeline_id)
        )
        with _ProgramErrors():
            return compile_program(
                deployment.source,
                name=deployment.name,
                limits=self._policy.limits(deployment.limits),
                sinks=self._make_sink,
                sources=sources,
                lookups=self._make_lookup,
                dead_letters=self._dead_letters,
                guard=self._guard,
                imports=deployment.imports,
                host=Host(loads=True),
            )

    def reload(
        self, pipeline: Pipeline, deployment: Deployment, *, keeps_state: bool
    ) -> Restored:
        """Run another program in a pipeline; the old one runs on after an error."""
        with _ProgramErrors():
            return pipeline.reload(
                deployment.source,
                imports=deployment.imports,
                keeps_state=keeps_state,
                limits=self._policy.limits(deployment.limits),
            )


class _ProgramErrors:
    """Turns what is wrong with a program into the answer to its sender."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: object, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, InvalidProgramError):
            raise broken_program(error.diagnostics) from error
        if isinstance(error, UnknownConnectorError | LoadError | CheckpointError):
            raise ApiError(400, "invalid_vpl", str(error)) from error


def _lasting_name(deployment: Deployment, pipeline_id: str) -> str:
    """Return what a pipeline is to far sides that remember it over restarts."""
    if deployment.group_id is None:
        return pipeline_id
    return "/".join(map(str, deployment.placement))
