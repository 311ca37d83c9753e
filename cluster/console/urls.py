"""Paths of the pages (api.md section 11)."""

from django.urls import path

from cluster.console import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("topology/", views.topology, name="topology-page"),
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
]
