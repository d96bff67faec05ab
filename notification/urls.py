"""The app's pages, each keyed by a process id. What people are sent by text message is short."""

from django.urls import URLPattern, URLResolver, path

from notification.views_answers import answer
from notification.views_calls import call_content, call_fallback, call_key
from notification.views_push import push_report
from notification.views_receipts import call_status, message_status
from notification.views_texts import text_answer
from notification.views_unsubscribe import unsubscribe

app_name = "notification"
urlpatterns: list[URLPattern | URLResolver] = [
    path("a/<str:process_id>", answer, name="answer"),
    path("n/texts", text_answer, name="text-answer"),
    path("n/<str:process_id>/call", call_content, name="call-content"),
    path("n/<str:process_id>/key", call_key, name="call-key"),
    path("n/<str:process_id>/fallback", call_fallback, name="call-fallback"),
    path("n/<str:process_id>/call-status", call_status, name="call-status"),
    path("n/<str:process_id>/message-status", message_status, name="message-status"),
    path("n/<str:process_id>/push", push_report, name="push-report"),
    path("n/<str:process_id>/unsubscribe", unsubscribe, name="unsubscribe"),
]
