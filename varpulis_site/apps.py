"""The site as a Django app: it wires what the settings decide."""

from django.apps import AppConfig
from django.conf import settings


class SiteConfig(AppConfig):
    """Settings, URLs and processes of the coordinator."""

    name = "varpulis_site"
    verbose_name = "Varpulis site"

    def ready(self) -> None:
        """Register the checks; load and connect what the settings ask for."""
        # Models may be imported from here on, not before.
        from cluster.realtime import relay
        from cluster.services import notify
        from varpulis_site import checks  # noqa: F401 - registers on import

        if relay.is_shared():
            notify.subscribe(relay.announce)
        if settings.BROKER_URL:
            # Tasks go to the broker of the current Celery app, which is ours from here.
            from varpulis_site import celery  # noqa: F401 - current once imported
