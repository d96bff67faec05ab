"""Every route by every role, GET and POST: a route that is missing from the table fails.

Objects belong to "member". A POST carries no fields: it shows whether the role may act at all.
"""

from typing import Final

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.edges.routes import Route, all_routes
from tests.edges.world import ROLES, World, build

TABLE: Final = {
    "": ("302", "405"),
    "favicon.ico": ("302", "405"),
    "manifest.webmanifest": ("200", "405"),
    "demo/ring": ("login 405 405 405 405", "login 404 404 404 404"),
    "health": ("200", "405"),
    "health/web": ("200", "405"),
    "ready": ("503", "405"),  # without a beat
    "metrics": ("403", "405"),
    "admin/": ("login login login 200 200", "login login login 200 200"),
    "admin/login/": ("200 200 200 302 302", "200"),
    "admin/logout/": ("302 302 302 405 405", "302 302 302 login login"),
    "admin/password_change/": ("302 302 302 302 302", "302 302 302 302 302"),
    "admin/password_change/done/": ("login login login 200 200", "login login login 405 405"),
    "admin/autocomplete/": ("login login login 403 403", "login login login 405 405"),
    "admin/jsi18n/": ("login login login 200 200", "login login login 405 405"),
    "admin/r/<path:content_type_id>/<path:object_id>/": (
        "login login login 404 404",
        "login login login 404 404",
    ),
    r"admin/^(?P<app_label>registration|auth|eventinvoke|eventupdate)/$": (
        "login login login 404 200",
        "login login login 404 200",
    ),
    "admin/(?P<url>.*)$": ("login login login 404 404", "login login login 404 404"),
    "accounts/login/": ("200 302 302 302 302", "200 302 302 302 302"),
    "accounts/session": ("200", "400"),
    "accounts/logout/": ("405", "login"),
    "accounts/password/": ("login 200 200 200 200", "login 200 200 200 200"),
    "profile/": ("login 200 200 200 200", "login 200 200 200 200"),
    "targets/": ("login 200 200 200 200", "login 405 405 405 405"),
    "targets/add/<slug:kind>/": ("login 200 200 200 200", "login 200 200 200 200"),
    "targets/subscribe": ("405", "415"),
    "targets/subscribe/token": ("405", "415"),
    "targets/subscribe/renew": ("405", "415"),
    "targets/subscribe/end": ("405", "415"),
    "targets/<int:pk>/": ("login 404 200 200 200", "login 404 200 200 200"),
    "targets/<int:pk>/verify/": ("login 404 200 200 200", "login 404 200 200 200"),
    "targets/<int:pk>/code": ("login 405 405 405 405", "login 404 302 302 302"),
    "targets/<int:pk>/test": ("login 404 302 302 302", "login 404 302 302 302"),
    "targets/<int:pk>/disable": ("login 405 405 405 405", "login 404 302 302 302"),
    "targets/<int:pk>/enable": ("login 405 405 405 405", "login 404 302 302 302"),
    "targets/<int:pk>/delete": ("login 405 405 405 405", "login 404 302 302 302"),
    "registrations/": ("login 200 200 200 200", "login 405 405 405 405"),
    "registrations/add/": ("login 200 200 200 200", "login 200 200 200 200"),
    "registrations/<int:pk>/": ("login 404 200 200 200", "login 404 200 200 200"),
    "registrations/<int:pk>/decline": ("login 405 405 405 405", "login 404 302 404 404"),
    "registrations/<int:pk>/accept": ("login 405 405 405 405", "login 404 302 404 404"),
    "registrations/<int:pk>/switch": ("login 405 405 405 405", "login 404 302 302 302"),
    "registrations/<int:pk>/delete": ("login 405 405 405 405", "login 404 302 302 302"),
    "calendars/": ("login 200 200 200 200", "login 405 405 405 405"),
    "calendars/add/": ("login 200 200 200 200", "login 200 200 200 200"),
    "calendars/<int:pk>/edit/": ("login 404 200 200 200", "login 404 200 200 200"),
    "calendars/<int:pk>/switch": ("login 405 405 405 405", "login 404 302 302 302"),
    "calendars/<int:pk>/read": ("login 405 405 405 405", "login 404 302 302 302"),
    "calendars/<int:pk>/delete": ("login 405 405 405 405", "login 404 302 302 302"),
    "waiting/<int:pk>/": ("login 404 200 404 404", "login 405 405 405 405"),
    "service-worker.js": ("200", "405"),
    "upcoming/": ("login 200 200 200 200", "login 405 405 405 405"),
    "changes/": ("login 200 200 200 200", "login 405 405 405 405"),
    "calendars/<int:pk>/": ("login 404 200 200 200", "login 405 405 405 405"),
    "calendars/counts": ("login 200 200 200 200", "login 405 405 405 405"),
    "history/": ("login 200 200 200 200", "login 405 405 405 405"),
    "deliveries/<int:pk>/": ("login 404 200 200 200", "login 405 405 405 405"),
    "deliveries/<int:pk>/acknowledge": ("login 405 405 405 405", "login 404 302 404 404"),
    "deliveries/<int:pk>/snooze": ("login 405 405 405 405", "login 404 302 404 404"),
    "events/<int:pk>/": ("login 404 200 200 200", "login 405 405 405 405"),
    "inbox/": ("login 200 200 200 200", "login 405 405 405 405"),
    "inbox/news": ("403 200 200 200 200", "405"),
    "inbox/seen": ("login 405 405 405 405", "login 204 204 204 204"),
    "inbox/read": ("login 405 405 405 405", "login 204 204 204 204"),
    "matches/": ("405", "403 200 200 200 200"),
    "providers/": ("login 404 404 200 200", "login 404 404 405 405"),
    "providers/check": ("login 404 404 405 405", "login 404 404 302 302"),
    "push/key": ("200", "405"),
    "coming/": ("308", "308"),
    "delivered/": ("308", "308"),
    "deliveries/<int:pk>/confirm": ("308", "308"),
    "a/<str:process_id>": ("200", "400"),
    "n/texts": ("403", "403"),
    "n/<str:process_id>/call": ("403", "403"),
    "n/<str:process_id>/key": ("403", "403"),
    "n/<str:process_id>/fallback": ("403", "403"),
    "n/<str:process_id>/call-status": ("403", "403"),
    "n/<str:process_id>/message-status": ("403", "403"),
    "n/<str:process_id>/push": ("405", "400"),
    "n/<str:process_id>/unsubscribe": ("200", "200"),
    "calendars/caldav/": ("login 200 200 200 200", "login 200 200 200 200"),
    "calendars/accounts/<int:pk>/": ("login 404 200 404 404", "login 404 302 404 404"),
    "calendars/accounts/disconnected": ("login 302 302 302 302", "login 405 405 405 405"),
    "calendars/accounts/<int:pk>/disconnect": ("login 405 405 405 405", "login 404 302 404 404"),
    "calendars/google/connect": ("login 404 404 404 404", "login 405 405 405 405"),
    "calendars/google/callback": ("login 302 302 302 302", "login 405 405 405 405"),
    "simulator/": ("login 200 200 200 200", "login 405 405 405 405"),
    "simulator/<int:target_id>/": ("login 404 200 200 200", "login 405 405 405 405"),
    "simulator/<int:target_id>/state": ("403 404 503 503 503", "403 405 405 405 405"),
    "simulator/<int:target_id>/text": ("403 405 405 405 405", "403 404 503 503 503"),
    "simulator/<int:target_id>/<slug:action>": ("403 405 405 405 405", "403 404 503 503 503"),
}
"""By route, the answers to GET and POST: one for every role, or one each in the order of ``ROLES``.

"login" leads to the page for signing in.
"""
_MODELS: Final = [
    "auth/group",
    "registration/calendar",
    "registration/calendaraccount",
    "registration/user",
    "registration/member",
    "registration/target",
    "registration/verification",
    "registration/registration",
    "registration/step",
    "eventinvoke/event",
    "eventinvoke/eventchange",
    "eventinvoke/period",
    "eventinvoke/held",
    "eventinvoke/delivery",
    "eventinvoke/attempt",
    "eventinvoke/receipt",
    "eventinvoke/answer",
    "eventinvoke/inboxmark",
    "eventinvoke/ratelimit",
    "eventinvoke/dailycount",
    "eventupdate/entry",
]
_ADMIN: Final = {
    "": "403 200",
    "add/": "403 200/403",
    "<path:object_id>/": "302 302",
    "<path:object_id>/change/": "403 200/302/403",
    "<path:object_id>/delete/": "403 200/302",
    "<path:object_id>/history/": "403/302 200/302",
}
"""The administration of each model, for staff and superuser: 302 where there is no such row; all others sign in."""


def rules() -> dict[str, tuple[str, str]]:
    """Return the whole table, that of the administration's models too."""
    found = dict(TABLE)
    for model in _MODELS:
        for suffix, answers in _ADMIN.items():
            found[f"admin/{model}/{suffix}"] = (f"login login login {answers}",) * 2
    found["admin/registration/user/<id>/password/"] = ("login login login 403 200",) * 2
    return found


def test_every_route_is_in_the_table() -> None:
    assert {route.template for route in all_routes()} == set(rules())


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_role_gets_from_every_route_what_it_may(method: str, settings: Settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:1"
    world, table = build(), rules()
    wrong = []
    for route in all_routes():
        expected = table[route.template][method == "post"].split()
        for role, allowed in zip(ROLES, expected * len(ROLES), strict=False):
            answer, is_changed = ask(world, route, role, method)
            if answer not in allowed.split("/"):
                wrong.append(f"{method} {route.template} by {role}: {answer}, not {allowed}")
            if is_changed and (answer in {"login", "403", "404", "405"} or method == "get"):
                wrong.append(f"{method} {route.template} by {role}: {answer}, and something was stored")
    assert wrong == []


def ask(world: World, route: Route, role: str, method: str) -> tuple[str, bool]:
    """Return what a role is answered, and whether a row of ours was changed by it; undo it."""
    path = route.path(world.values(route))
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        response = getattr(world.client(role), method)(path)
        transaction.set_rollback(True)
    written = [one["sql"] for one in queries if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    return _answer(response), any("django_session" not in sql for sql in written)


def _answer(response: HttpResponse) -> str:
    where = response.headers.get("Location", "")
    return "login" if where.startswith(("/accounts/login/", "/admin/login/")) else str(response.status_code)
