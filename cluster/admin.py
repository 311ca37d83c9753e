"""Django admin: everything can be looked at, nothing that the API owns can be edited."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from cluster.models import (
    ApiKey,
    AuditEntry,
    ClusterEvent,
    ClusterState,
    PipelineGroup,
    Placement,
    Revision,
    Route,
    Worker,
)

# Django's own classes take type arguments in their stubs only
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


admin.site.site_header = "Varpulis"
admin.site.site_title = "Varpulis"
admin.site.index_title = "Rows of the cluster, to look at (a Django user is needed)"


class ReadOnly:
    """No adding, changing or deleting: the API does that, with its rules."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin):
    """A list and a detail page."""

    list_per_page = 50


class PlacementInline(ReadOnly, TabularInline):
    """The placements of a group or worker."""

    model = Placement
    fields = ("pipeline_name", "worker", "status", "generation", "reason", "since")
    readonly_fields = fields
    extra = 0
    ordering = ("position", "replica")


class RouteInline(ReadOnly, TabularInline):
    """The routes of a group."""

    model = Route
    fields = ("position", "from_pipeline", "to_pipeline", "event_types")
    readonly_fields = fields
    extra = 0


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers, without anything of their keys."""

    list_display = ("id", "address", "status", "reachable", "last_heartbeat_at")
    list_filter = ("status", "reachable", "cordoned")
    search_fields = ("id", "address", "hostname")
    exclude = ("api_key_encrypted", "api_key_hash")
    inlines = (PlacementInline,)


@admin.register(PipelineGroup)
class PipelineGroupAdmin(ReadOnlyAdmin):
    """Groups with their placements and routes."""

    list_display = ("name", "status", "revision", "created_at", "id")
    list_filter = ("status",)
    search_fields = ("name", "id")
    inlines = (PlacementInline, RouteInline)


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    """What each group was asked to be."""

    list_display = ("group", "number", "requested_by", "created_at")
    list_select_related = ("group",)
    search_fields = ("group__name",)


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    """Where everything runs."""

    list_display = ("pipeline_name", "group", "worker", "status", "generation")
    list_filter = ("status",)
    list_select_related = ("group", "worker")
    search_fields = ("pipeline_name", "group__name", "worker__id")


@admin.register(Route)
class RouteAdmin(ReadOnlyAdmin):
    """What goes where."""

    list_display = ("group", "position", "from_pipeline", "to_pipeline", "event_types")
    list_select_related = ("group",)


@admin.register(ClusterEvent)
class ClusterEventAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("at", "type", "severity", "worker_id", "message")
    list_filter = ("severity", "type")
    search_fields = ("message", "worker_id")
    date_hierarchy = "at"


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys, without anything of their secrets."""

    list_display = (
        "name",
        "role",
        "prefix",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    list_filter = ("role",)
    search_fields = ("name", "prefix")
    exclude = ("secret_hash", "previous_hash")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what."""

    list_display = ("at", "who", "role", "method", "path", "status")
    list_filter = ("method", "status", "role")
    search_fields = ("who", "path", "request_id")
    date_hierarchy = "at"


@admin.register(ClusterState)
class ClusterStateAdmin(ReadOnlyAdmin):
    """Which cluster this is."""

    list_display = ("cluster_id", "version", "last_sweep_at")
