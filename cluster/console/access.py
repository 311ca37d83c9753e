"""Which pages a browser may see: whoever signed in, or everybody without a key."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cluster.access import Role, is_open_to_all, role_of_key
from cluster.login import role_of_session

View = Callable[[HttpRequest], HttpResponse]


def role_of_visitor(request: HttpRequest) -> Role | None:
    """Return the role of whoever asks for a page, None for strangers."""
    if is_open_to_all():
        return Role.ADMIN
    key = request.headers.get("X-API-Key", "")
    return role_of_key(key) if key else role_of_session(request.session)


def needs_role(needed: Role) -> Callable[[View], View]:
    """Send strangers to the login page and refuse roles that are too low."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            role = role_of_visitor(request)
            if role is None:
                query = urlencode({"next": request.get_full_path()})
                return redirect(f"/login/?{query}")
            if not role.allows(needed):
                sentence = f"this page needs the role {needed}, you have {role}"
                context = {"status": 403, "sentence": sentence}
                return render(request, "cluster/error.html", context, status=403)
            return view(request)

        return guarded

    return decorate
