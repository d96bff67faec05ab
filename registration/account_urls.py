"""Signing in and out, and the password. The names have no namespace: Django's own are these."""

from django.contrib.auth import views
from django.urls import URLPattern, path, reverse_lazy

from registration.forms.accounts import OwnPasswordForm, SignInForm

urlpatterns: list[URLPattern] = [
    path(
        "login/",
        views.LoginView.as_view(authentication_form=SignInForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        views.PasswordChangeView.as_view(form_class=OwnPasswordForm, success_url=reverse_lazy("home")),
        name="password_change",
    ),
]
