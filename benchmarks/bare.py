"""Two bare views at the addresses of Twilio's callbacks: each checks the signature, then reads or inserts one row."""

from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import VoiceResponse

from common.process_ids import read
from eventinvoke.models import Attempt, Receipt


def call_content(request: HttpRequest, process_id: str) -> HttpResponse:
    """Read one row and say a word of it."""
    if not _is_signed(request):
        return HttpResponse(status=403)
    response = VoiceResponse()
    response.say(Attempt.objects.get(pk=read(process_id)).provider_id)
    return HttpResponse(str(response), content_type="text/xml")


def call_status(request: HttpRequest, process_id: str) -> HttpResponse:
    """Insert one row."""
    if not _is_signed(request):
        return HttpResponse(status=403)
    status = request.POST["CallStatus"]
    Receipt.objects.create(
        attempt_id=read(process_id),
        status=status,
        fingerprint=sha256(f"{process_id} {status}".encode()).hexdigest(),
        payload=request.POST.dict(),
    )
    return HttpResponse(status=204)


def _is_signed(request: HttpRequest) -> bool:
    url = settings.NOTICE_PUBLIC_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    return bool(RequestValidator(settings.TWILIO_AUTH_TOKENS[0]).validate(url, request.POST, signature))


urlpatterns = [
    path("n/<str:process_id>/call", call_content),
    path("n/<str:process_id>/call-status", call_status),
]
