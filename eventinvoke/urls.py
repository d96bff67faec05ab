"""The app's pages."""

from django.urls import URLPattern, URLResolver, path

from eventinvoke.views import calendars, changes, coming, delivered, inbox, matches, push, timeline

app_name = "eventinvoke"
urlpatterns: list[URLPattern | URLResolver] = [
    path("coming/", coming.coming_list, name="coming-list"),
    path("changes/", changes.change_list, name="change-list"),
    path("calendars/<int:pk>/", calendars.calendar_detail, name="calendar-detail"),
    path("calendars/counts", calendars.calendar_counts, name="calendar-counts"),
    path("delivered/", delivered.delivered_list, name="delivered-list"),
    path("deliveries/<int:pk>/", timeline.delivery_detail, name="delivery-detail"),
    path("deliveries/<int:pk>/confirm", inbox.delivery_confirm, name="delivery-confirm"),
    path("deliveries/<int:pk>/snooze", inbox.delivery_snooze, name="delivery-snooze"),
    path("events/<int:pk>/", timeline.event_detail, name="event-detail"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/news", inbox.inbox_news, name="inbox-news"),
    path("inbox/seen", inbox.inbox_seen, name="inbox-seen"),
    path("inbox/read", inbox.inbox_read, name="inbox-read"),
    path("matches/", matches.match_list, name="match-list"),
    path("push/key", push.push_key, name="push-key"),
]
