"""The panel as a web app: what a phone needs to put it on its home screen (https://www.w3.org/TR/appmanifest/).

On iOS only a web app from the home screen gets pushes, since 16.4.
"""

from typing import Final

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

_BLUE: Final = "#1c64d9"
_ICONS: Final = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("icon-maskable-512.png", "512x512", "maskable"),
)


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Return the manifest. It names no member: browsers fetch it without cookies."""
    del request
    home = reverse("home")
    icons = [
        {"src": static(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
        for name, sizes, purpose in _ICONS
    ]
    content = {
        "id": home,
        "name": "PFS Notice",
        "short_name": "PFS Notice",
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": _BLUE,
        "icons": icons,
    }
    response = JsonResponse(content, content_type="application/manifest+json")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
