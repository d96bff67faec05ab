"""Pages whose address is a secret."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.defaults import page_not_found

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def private_page(view: View[Rest]) -> View[Rest]:
    """Keep a page out of caches and search engines, and its address out of other sites' logs."""

    @never_cache
    @wraps(view)
    def private(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except Http404 as error:
            response = page_not_found(request, error)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return private


def closed_page(request: HttpRequest, reason: str, language: str) -> HttpResponse:
    """Say why a link does nothing any more (410), in the active language."""
    context = {"reason": reason, "language": language}
    return render(request, "notification/closed.html", context, status=HTTPStatus.GONE)
