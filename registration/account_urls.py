"""Signing in and out, and the password. The names have no namespace: Django's own are these."""

from typing import Any

from django.contrib.auth import views
from django.urls import URLPattern, path, reverse_lazy

from registration.forms.accounts import OwnPasswordForm
from registration.views.session import SignInView, session


class OwnPasswordView(views.PasswordChangeView):
    """Changing the own password; how often the old one is tried depends on where it is tried."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("home")

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form the request."""
        return {**super().get_form_kwargs(), "request": self.request}


urlpatterns: list[URLPattern] = [
    path(
        "login/",
        SignInView.as_view(),
        name="login",
    ),
    path("session", session, name="session"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        OwnPasswordView.as_view(),
        name="password_change",
    ),
]
