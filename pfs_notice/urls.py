"""All addresses, below the path of ``NOTICE_PUBLIC_URL``. Each app brings its own; the names are ``app:noun-verb``."""

from typing import Final

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from pfs_notice import views
from pfs_notice.web_app import manifest

_PAGES: Final[list[URLPattern | URLResolver]] = [
    path("", include("notification.urls")),  # first, as the addresses are tried in this order
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("demo/ring", views.demo_ring, name="demo-ring"),
    path("health", views.health, name="health"),
    path("health/web", views.web_health, name="web-health"),
    path("ready", views.ready, name="ready"),
    path("metrics", views.metrics, name="metrics"),
    # The administration's own form looks at the old password any number of times.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
    path("accounts/", include("registration.account_urls")),
    path("", include("registration.urls")),
    path("", include("eventinvoke.urls")),
    path("", include("eventupdate.urls")),
    path("simulator/", include("simulator.urls")),
]

urlpatterns = [path(f"{settings.NOTICE_PATH}/".lstrip("/"), include(_PAGES))]
handler400 = views.bad_request
