"""Which revision of a group a caller means: `ETag` and `If-Match` (api.md section 1)."""

from rest_framework.request import Request

from cluster.exceptions import RevisionConflictError
from cluster.models import PipelineGroup

ANY_REVISION = "*"


def entity_tag(group: PipelineGroup) -> str:
    """Return the current revision as an entity tag."""
    return f'"rev-{group.revision}"'


def check_revision(request: Request, group: PipelineGroup) -> None:
    """Raise RevisionConflictError unless If-Match, if sent, names the current one."""
    sent = request.headers.get("If-Match", "")
    named = {tag.strip() for tag in sent.split(",")} - {""}
    current = entity_tag(group)
    if named and not named & {current, ANY_REVISION}:
        raise RevisionConflictError(
            f"group '{group.name}' is at {current}, not {sent.strip()}; "
            "read it again and decide anew",
            details={"current": current},
        )
