"""What a role may do: each view names the role its methods need.

Nothing of `rest_framework.views` is imported: the settings name this class, and that
module reads them while it is being imported.
"""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from cluster.access import Role
from cluster.api.authentication import Caller
from cluster.exceptions import ForbiddenError


class RolePermission(BasePermission):
    """Compares the caller's role with `roles` of the view, by method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True for a role that is high enough; raise 403 for a lower one."""
        caller = request.user
        if not isinstance(caller, Caller):
            return False
        needed: Role = needed_role(view, request.method or "GET")
        if not caller.role.allows(needed):
            raise ForbiddenError(
                f"this needs the role {needed}, the caller has the role {caller.role}",
                details={"required": needed.value},
            )
        return True


def needed_role(view: Any, method: str) -> Role:
    """Return the role a method needs; HEAD and OPTIONS need that of GET."""
    roles: dict[str, Role] = getattr(view, "roles", {})
    return roles.get(method, roles.get("GET", Role.VIEWER))
