"""Where everything answers: API, schema, admin and pages (api.md 4 and 11)."""

from django.contrib import admin
from django.urls import include, path

from varpulis_site import errors

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error

urlpatterns = [
    path("", include("cluster.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("cluster.console.urls")),
]
