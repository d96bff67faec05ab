"""The app's pages."""

from django.urls import URLPattern, URLResolver, path

from eventupdate.views import accounts, caldav, google

app_name = "eventupdate"
urlpatterns: list[URLPattern | URLResolver] = [
    path("calendars/caldav/", caldav.caldav_connect, name="caldav-connect"),
    path("calendars/accounts/<int:pk>/", accounts.account_choose, name="account-choose"),
    path("calendars/accounts/<int:pk>/disconnect", accounts.account_disconnect, name="account-disconnect"),
    path("calendars/accounts/disconnected", accounts.account_disconnected, name="account-disconnected"),
    path("calendars/google/connect", google.google_connect, name="google-connect"),
    path("calendars/google/callback", google.google_callback, name="google-callback"),
]
