"""The site as a Django app: it wires what the settings decide."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Settings, URLs and processes of the coordinator."""

    name = "varpulis_site"
    verbose_name = "Varpulis site"

    def ready(self) -> None:
        """Register the checks; announce changes if processes share a channel layer."""
        # Models may be imported from here on, not before.
        from cluster.realtime import relay
        from cluster.services import notify
        from varpulis_site import checks  # noqa: F401 - registers on import

        if relay.is_shared():
            notify.subscribe(relay.announce)
