"""The app's pages."""

from django.urls import URLPattern, URLResolver

app_name = "notification"
urlpatterns: list[URLPattern | URLResolver] = []
