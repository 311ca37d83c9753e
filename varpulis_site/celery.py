"""Celery of the coordinator: JSON only, and the periodic sweep.

Only processes of `celery -A varpulis_site` and coordinators with a broker load this.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "varpulis_site.settings")

from django.conf import settings

from cluster import conf

SWEEP_TASK = "cluster.tasks.sweep"
SWEEP_S = conf.current().sweep_interval

app = Celery("varpulis")
app.conf.update(
    broker_url=settings.BROKER_URL or "memory://",
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_default_queue="varpulis",
    timezone="UTC",
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    beat_schedule={
        "sweep": {
            "task": SWEEP_TASK,
            "schedule": SWEEP_S,
            # A sweep that could not start in time is worth nothing: the next one comes.
            "options": {"expires": SWEEP_S},
        },
    },
)
app.autodiscover_tasks(["cluster"])
