"""The app's pages."""

from django.urls import URLPattern, URLResolver, path

from registration.views import calendars, codes, jobs, profile, push, registrations, targets

app_name = "registration"
urlpatterns: list[URLPattern | URLResolver] = [
    path("profile/", profile.profile_edit, name="profile-edit"),
    path("targets/", targets.target_list, name="target-list"),
    path("targets/add/<slug:kind>/", targets.target_add, name="target-add"),
    path("targets/subscribe", push.push_subscribe, name="push-subscribe"),
    path("targets/subscribe/token", push.push_token, name="push-token"),
    path("targets/subscribe/renew", push.push_renew, name="push-renew"),
    path("targets/subscribe/end", push.push_end, name="push-end"),
    path("targets/<int:pk>/", targets.target_edit, name="target-edit"),
    path("targets/<int:pk>/verify/", codes.target_verify, name="target-verify"),
    path("targets/<int:pk>/code", codes.code_send, name="target-code-send"),
    path("targets/<int:pk>/test", codes.target_test, name="target-test"),
    path("targets/<int:pk>/disable", targets.target_disable, name="target-disable"),
    path("targets/<int:pk>/enable", targets.target_enable, name="target-enable"),
    path("targets/<int:pk>/delete", targets.target_delete, name="target-delete"),
    path("registrations/", registrations.registration_list, name="registration-list"),
    path("registrations/add/", registrations.registration_add, name="registration-add"),
    path("registrations/<int:pk>/", registrations.registration_edit, name="registration-edit"),
    path("registrations/<int:pk>/decline", registrations.registration_decline, name="registration-decline"),
    path("registrations/<int:pk>/accept", registrations.registration_accept, name="registration-accept"),
    path("registrations/<int:pk>/switch", registrations.registration_switch, name="registration-switch"),
    path("registrations/<int:pk>/delete", registrations.registration_delete, name="registration-delete"),
    path("calendars/", calendars.calendar_list, name="calendar-list"),
    path("calendars/add/", calendars.calendar_add, name="calendar-add"),
    path("calendars/<int:pk>/edit/", calendars.calendar_edit, name="calendar-edit"),
    path("calendars/<int:pk>/switch", calendars.calendar_switch, name="calendar-switch"),
    path("calendars/<int:pk>/read", calendars.calendar_read, name="calendar-read"),
    path("calendars/<int:pk>/delete", calendars.calendar_delete, name="calendar-delete"),
    path("waiting/<int:pk>/", jobs.job_wait, name="job-wait"),
    path("service-worker.js", push.service_worker, name="service-worker"),
]
