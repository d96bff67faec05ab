"""The app's pages."""

from django.urls import URLPattern, URLResolver

app_name = "simulator"
urlpatterns: list[URLPattern | URLResolver] = []
