"""The app's pages."""

from django.urls import URLPattern, URLResolver, path

from eventupdate.views import accounts

app_name = "eventupdate"
urlpatterns: list[URLPattern | URLResolver] = [
    path("calendars/accounts/<int:pk>/", accounts.account_choose, name="account-choose"),
    path("calendars/accounts/<int:pk>/disconnect", accounts.account_disconnect, name="account-disconnect"),
]
