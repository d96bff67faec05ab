"""The app's pages."""

from django.urls import URLPattern, URLResolver

app_name = "eventinvoke"
urlpatterns: list[URLPattern | URLResolver] = []
