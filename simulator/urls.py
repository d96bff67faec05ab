"""The app's pages. Where a real Twilio account is configured there is no phone, nor a link to it."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, path

from simulator import views

app_name = "simulator"
urlpatterns: list[URLPattern | URLResolver] = []
if settings.IS_SIMULATED:
    urlpatterns = [
        path("", views.phone, name="phone"),
        path("<int:target_id>/", views.phone, name="phone"),
        path("<int:target_id>/state", views.phone_state, name="phone-state"),
        path("<int:target_id>/text", views.phone_write, name="phone-write"),
        path("<int:target_id>/<slug:action>", views.phone_act, name="phone-act"),
    ]
