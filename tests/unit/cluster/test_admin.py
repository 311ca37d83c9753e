"""The admin site: everything to look at, nothing to break."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cluster.models import Worker
from cluster.services.groups import deploy_group
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db

MODELS = [
    "worker",
    "pipelinegroup",
    "revision",
    "placement",
    "route",
    "clusterevent",
    "clusterstate",
]


@pytest.fixture
def admin(settings: Any, tmp_path: Any) -> Client:
    settings.STATIC_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def rows(join: Any, workers: FakeWorkers, clock: ManualClock) -> None:
    join("w", api_key="s3cret-key")
    spec = make_spec(routes=[("_external", "p", ("E*",))])
    deploy_group(spec=spec, requested_by="test", clock=clock)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_listed_and_shown(admin: Client, rows: None, name: str) -> None:
    listing = admin.get(reverse(f"admin:cluster_{name}_changelist"))
    assert listing.status_code == 200
    row = listing.context["cl"].queryset.first()
    assert row is not None
    detail = admin.get(reverse(f"admin:cluster_{name}_change", args=[row.pk]))
    assert detail.status_code == 200
    worker = Worker.objects.get()
    for page in (listing, detail):
        text = page.content.decode()
        assert "s3cret-key" not in text
        assert worker.api_key_hash not in text
        assert worker.api_key_encrypted not in text


@pytest.mark.parametrize("name", MODELS)
def test_nothing_can_be_added_or_deleted(admin: Client, rows: None, name: str) -> None:
    assert admin.get(reverse(f"admin:cluster_{name}_add")).status_code == 403
    listing = admin.get(reverse(f"admin:cluster_{name}_changelist"))
    pk = listing.context["cl"].queryset.first().pk
    delete = reverse(f"admin:cluster_{name}_delete", args=[pk])
    assert admin.post(delete, {"post": "yes"}).status_code == 403
    change = reverse(f"admin:cluster_{name}_change", args=[pk])
    assert admin.post(change, {}).status_code == 403
