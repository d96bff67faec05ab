"""The app's pages."""

from django.urls import URLPattern, URLResolver

app_name = "eventupdate"
urlpatterns: list[URLPattern | URLResolver] = []
