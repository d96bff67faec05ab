"""All addresses. Each app brings its own; the names are ``app:noun-verb``."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from pfs_notice import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("demo/ring", views.demo_ring, name="demo-ring"),
    path("health", views.health, name="health"),
    path("health/web", views.web_health, name="web-health"),
    # The administration's own form looks at the old password any number of times.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
    path("accounts/", include("registration.account_urls")),
    path("", include("registration.urls")),
    path("", include("eventinvoke.urls")),
    path("", include("notification.urls")),
    path("", include("eventupdate.urls")),
    path("simulator/", include("simulator.urls")),
]
