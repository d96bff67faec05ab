"""The first page, and the answer to "are you there?"."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead on to what is coming."""
    del request
    return redirect("eventinvoke:upcoming-list")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Lead browsers to the icon that ask at the old place: the administration's pages name none."""
    del request
    return redirect(static("favicon.svg"))


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Say that the web server answers; nothing else is asked, so that it costs nothing."""
    del request
    return HttpResponse("ok\n", content_type="text/plain")
