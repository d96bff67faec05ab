"""Apps, middleware, templates and static files."""

from typing import Any, Final

from pfs_notice.settings.environment import BASE_DIR, ENVIRONMENT, VAR_DIR, flag, text
from pfs_notice.settings.notice import NOTICE_PATH

PFS_NOTICE_VAR = VAR_DIR
PFS_NOTICE_ENV = ENVIRONMENT
DEBUG: Final = flag("DEBUG", default=False)

INSTALLED_APPS = [
    "pfs_notice.apps.ProjectConfig",
    "registration.apps.RegistrationConfig",
    "eventinvoke.apps.EventInvokeConfig",
    "notification.apps.NotificationConfig",
    "eventupdate.apps.EventUpdateConfig",
    "simulator.apps.SimulatorConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
]

MIDDLEWARE = [
    "pfs_notice.middleware.callbacks",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "pfs_notice.middleware.not_stored",
    "csp.middleware.CSPMiddleware",
    "pfs_notice.body_limits.bounded",
    "pfs_notice.middleware.timed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "registration.middleware.password_change_required",
    "registration.middleware.member_time_zone",
]

ROOT_URLCONF = "pfs_notice.urls"
WSGI_APPLICATION = "pfs_notice.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["common.template_filters"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")  # its templates, so that ours may override them

LANGUAGE_CODE = "en-gb"
# Those into which every notice is translated; the members choose among them.
LANGUAGES = [
    ("en", "English (US)"),
    ("en-gb", "English (UK)"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("ja", "日本語"),
]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = f"{NOTICE_PATH}/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = text("STATIC_ROOT", str(VAR_DIR / "static"))
# Inside the folder of run-time state everything is closed to other users. Elsewhere a web server may serve them.
FILE_UPLOAD_PERMISSIONS = 0o644 if text("STATIC_ROOT") else 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o755 if text("STATIC_ROOT") else 0o700
# Names that carry a hash of the content may be kept by browsers for ever. Tests do without, as it
# takes a `collectstatic` first.
STATIC_HASHED = flag("STATIC_HASHED", default=not DEBUG)
WHITENOISE_USE_FINDERS = not STATIC_HASHED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}

AUTH_USER_MODEL = "registration.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

__all__ = [
    name
    for name in dir()
    if name.isupper() and name not in {"BASE_DIR", "ENVIRONMENT", "NOTICE_PATH", "VAR_DIR"}
]
