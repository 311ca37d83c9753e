"""Django application of the coordinator."""

from django.apps import AppConfig


class ClusterConfig(AppConfig):
    """Workers, pipeline groups, placements and routes."""

    name = "cluster"
    default_auto_field = "django.db.models.BigAutoField"
