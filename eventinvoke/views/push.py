"""What a browser needs to subscribe: our public key."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from eventinvoke.channels.webpush.vapid import public_key


@require_safe
def push_key(request: HttpRequest) -> JsonResponse:
    """Return the public key that a subscription is bound to."""
    del request
    return JsonResponse({"key": public_key()})
