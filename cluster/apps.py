"""Django application of the coordinator."""

from django.apps import AppConfig


class ClusterConfig(AppConfig):
    """Workers, pipeline groups, placements and routes."""

    name = "cluster"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Choose who deploys in the background, and register the checks."""
        # models may be imported from here on, not before
        from cluster import background_choice, checks  # noqa: F401 - checks register

        background_choice.choose_dispatcher()
