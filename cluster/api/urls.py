"""Paths of the API. Each answers with and without a trailing slash, never redirects."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path

from cluster.api.base import UnknownPathView
from cluster.api.views.documents import DocsView, SchemaView
from cluster.api.views.groups import GroupsView, GroupView, NamedGroupView
from cluster.api.views.history import AuditView, EventsView
from cluster.api.views.hot import HeartbeatView, InjectBatchView, InjectView
from cluster.api.views.keys import KeyRotationView, KeysView, KeyView
from cluster.api.views.overview import (
    ClusterRootView,
    TopologyView,
    ValidateView,
)
from cluster.api.views.workers import RegisterView, WorkersView, WorkerView
from cluster.console.views import sign_in, sign_out

BASE = "api/v1/cluster"


def both(route: str, view: Callable[..., Any], name: str) -> list[URLPattern]:
    """Return the pattern of a path and that of its form with a slash."""
    full = f"{BASE}/{route}" if route else BASE
    return [path(full, view, name=name), path(f"{full}/", view)]


# the names under which the browsable API links to the login page
LOGIN = (
    [path("login/", sign_in, name="login"), path("logout/", sign_out, name="logout")],
    "rest_framework",
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(LOGIN)),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/schema", SchemaView.as_view()),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("api/docs", DocsView.as_view()),
    *both("", ClusterRootView.as_view(), "cluster"),
    *both("workers/register", RegisterView.as_view(), "register"),
    *both("workers", WorkersView.as_view(), "workers"),
    *both("workers/<str:worker_id>/heartbeat", HeartbeatView.as_view(), "heartbeat"),
    *both("workers/<str:worker_id>", WorkerView.as_view(), "worker"),
    *both("pipeline-groups", GroupsView.as_view(), "pipeline-groups"),
    *both(
        "pipeline-groups/<path:group_id>/inject-batch",
        InjectBatchView.as_view(),
        "inject-batch",
    ),
    *both("pipeline-groups/<path:group_id>/inject", InjectView.as_view(), "inject"),
    *both(
        "pipeline-groups/by-name/<path:name>",
        NamedGroupView.as_view(),
        "pipeline-group-by-name",
    ),
    *both("pipeline-groups/<str:group_id>", GroupView.as_view(), "pipeline-group"),
    *both("topology", TopologyView.as_view(), "topology"),
    *both("validate", ValidateView.as_view(), "validate"),
    *both("events", EventsView.as_view(), "events"),
    *both("audit", AuditView.as_view(), "audit"),
    *both("keys", KeysView.as_view(), "keys"),
    *both("keys/<str:key_id>/rotate", KeyRotationView.as_view(), "rotate-key"),
    *both("keys/<str:key_id>", KeyView.as_view(), "key"),
    re_path(r"^api(/.*)?$", UnknownPathView.as_view()),
]
