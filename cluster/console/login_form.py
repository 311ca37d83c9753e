"""Sign-in with a Django user's name and password, or with an API key."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate, login
from django.http import HttpRequest

from cluster.login import sign_in_with_key

WRONG = "Neither this key nor this name and password are known here."


class LoginForm(forms.Form):
    """Either `key`, or `username` and `password`."""

    key = forms.CharField(required=False, strip=True, max_length=512)
    username = forms.CharField(required=False, max_length=150)
    password = forms.CharField(required=False, strip=False, max_length=512)

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Keep the request that is to be signed in."""
        super().__init__(*args, **kwargs)
        self._request = request

    def clean(self) -> dict[str, Any]:
        """Sign the browser in, or say that it cannot be."""
        data = super().clean() or {}
        if not (self._by_key(data) or self._by_password(data)):
            raise forms.ValidationError(WRONG)
        return data

    def _by_key(self, data: dict[str, Any]) -> bool:
        key = data.get("key", "")
        return bool(key) and sign_in_with_key(self._request.session, key) is not None

    def _by_password(self, data: dict[str, Any]) -> bool:
        name, password = data.get("username", ""), data.get("password", "")
        if not name or not password:
            return False
        user = authenticate(self._request, username=name, password=password)
        if user is None:
            return False
        login(self._request, user)
        return True
