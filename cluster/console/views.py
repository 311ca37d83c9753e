"""The pages: rendered on the server, kept current by the WebSocket."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cluster.access import Role, is_open_to_all
from cluster.console.access import needs_role
from cluster.console.login_form import LoginForm
from cluster.console.topology_page import topology_context
from cluster.login import role_of_session


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Lead to the page that shows the cluster."""
    return redirect("/topology/")


@require_GET
@never_cache
@needs_role(Role.VIEWER)
def topology(request: HttpRequest) -> HttpResponse:
    """Show workers, groups, placements and routes."""
    signed_in = role_of_session(request.session) is not None
    context = topology_context(
        now=datetime.now(UTC), site=_site_of(request), signed_in=signed_in
    )
    return render(request, "cluster/topology.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
def sign_in(request: HttpRequest) -> HttpResponse:
    """Open a session for a user or the owner of a key."""
    target = _next_page(request)
    if is_open_to_all():
        return redirect(target)
    form = LoginForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(target)
    context: dict[str, Any] = {"form": form, "next": target}
    status = 401 if request.method == "POST" else 200
    return render(request, "cluster/login.html", context, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session, whoever opened it."""
    logout(request)
    return redirect(settings.LOGIN_URL)


def _next_page(request: HttpRequest) -> str:
    """Return where to go after the sign-in; never to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else str(settings.LOGIN_REDIRECT_URL)


def _site_of(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
