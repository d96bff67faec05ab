"""The one address that a push's payload needs, where the pages themselves don't matter."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def report(request: HttpRequest, process_id: str) -> HttpResponse:
    """Stand for the page that the service worker reports to."""
    return HttpResponse(process_id)


_pages = [path("n/<str:process_id>/push", report, name="push-report")]
urlpatterns = [path("", include((_pages, "notification")))]
