"""The app's pages."""

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import URLPattern, URLResolver, path, reverse

from eventinvoke.views import calendars, changes, history, inbox, matches, providers, push, timeline, upcoming


def moved(request: HttpRequest, to: str, **keys: int) -> HttpResponse:
    """Lead from an address that a page had before to the one that it has, for good."""
    query = request.GET.urlencode()
    address = reverse(f"{app_name}:{to}", kwargs=keys) + (f"?{query}" if query else "")
    return HttpResponsePermanentRedirect(address, preserve_request=True)


app_name = "eventinvoke"
urlpatterns: list[URLPattern | URLResolver] = [
    path("upcoming/", upcoming.upcoming_list, name="upcoming-list"),
    path("changes/", changes.change_list, name="change-list"),
    path("calendars/<int:pk>/", calendars.calendar_detail, name="calendar-detail"),
    path("calendars/counts", calendars.calendar_counts, name="calendar-counts"),
    path("history/", history.history_list, name="history-list"),
    path("deliveries/<int:pk>/", timeline.delivery_detail, name="delivery-detail"),
    path("deliveries/<int:pk>/acknowledge", inbox.delivery_acknowledge, name="delivery-acknowledge"),
    path("deliveries/<int:pk>/snooze", inbox.delivery_snooze, name="delivery-snooze"),
    path("events/<int:pk>/", timeline.event_detail, name="event-detail"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/news", inbox.inbox_news, name="inbox-news"),
    path("inbox/seen", inbox.inbox_seen, name="inbox-seen"),
    path("inbox/read", inbox.inbox_read, name="inbox-read"),
    path("matches/", matches.match_list, name="match-list"),
    path("providers/", providers.provider_list, name="provider-list"),
    path("providers/check", providers.provider_check, name="provider-check"),
    path("push/key", push.push_key, name="push-key"),
    path("coming/", moved, {"to": "upcoming-list"}),
    path("delivered/", moved, {"to": "history-list"}),
    path("deliveries/<int:pk>/confirm", moved, {"to": "delivery-acknowledge"}),
]
