"""System checks: combinations of settings that would only seem to work."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from varpulis_site import env, secret_key

IN_MEMORY = "channels.layers.InMemoryChannelLayer"


@register("varpulis")
def broker_needs_shared_channel_layer(**_: Any) -> list[CheckMessage]:
    """Refuse a broker beside the in-memory channel layer.

    That layer lives in one process, so what a Celery worker broadcasts would never
    reach a browser.
    """
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if not settings.BROKER_URL or layer != IN_MEMORY:
        return []
    return [
        Error(
            "VARPULIS_BROKER_URL is set, but browsers are fed in memory.",
            hint="Set VARPULIS_REDIS_URL as well: changes made by Celery workers"
            " reach open pages only through Redis.",
            id="varpulis.E001",
        )
    ]


@register("varpulis")
def production_needs_its_own_secret(**_: Any) -> list[CheckMessage]:
    """Refuse several processes that would each have invented a secret of their own."""
    kept = (settings.STATE_DIR / secret_key.SECRET_FILE).exists()
    if not settings.BROKER_URL or kept or env.secret("VARPULIS_SECRET_KEY"):
        return []
    return [
        Error(
            "VARPULIS_SECRET_KEY is not set, but VARPULIS_BROKER_URL is.",
            hint="Celery workers can read what the coordinator stored only with the"
            " same secret: set VARPULIS_SECRET_KEY for all of them.",
            id="varpulis.E002",
        )
    ]
