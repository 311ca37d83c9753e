"""The browsable form of the API."""

from typing import Any

from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from cluster.exceptions import ClusterError


class BrowsableRenderer(BrowsableAPIRenderer):
    """Shows an answer as a page, with forms for what the caller may do."""

    def show_form_for_method(
        self, view: Any, method: str, request: Request, obj: Any
    ) -> bool:
        """Tell whether to offer a method: not if the caller's key or role forbids it."""
        try:
            return bool(super().show_form_for_method(view, method, request, obj))
        except ClusterError:
            return False

    def get_rendered_html_form(
        self, data: Any, view: Any, method: str, request: Request
    ) -> Any:
        """Return the form of a method, none if the caller may not use it."""
        try:
            return super().get_rendered_html_form(data, view, method, request)
        except ClusterError:
            return None
