"""Carrying out TwiML in an answered call: speak, wait for keys, follow them to the next document."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from simulator.provider.behaviours import Behaviour
from simulator.provider.callbacks import Answer, Courier, Parameters, WebhookError
from simulator.provider.clock import Clock
from simulator.provider.records import Call, CallOptions, Listening, Pickup, Utterance, Webhook
from simulator.provider.twiml import Document, Gather, Hangup, Pause, Play, Redirect, Say, TwimlError, parse

log = logging.getLogger(__name__)

_CHARACTERS_PER_SECOND: Final = 11.0
"""Slower than most voices, so that a browser has read a text before Gather's time-out begins."""
_SECONDS_PER_SOUND: Final = 3.0
_MAX_DOCUMENTS: Final = 200
"""A call that loops through documents ends after this many."""
_XML_TYPES: Final = frozenset({"text/xml", "application/xml", "text/html"})
SORRY: Final = "We are sorry, an application error has occurred. Goodbye."


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a document is to come from."""

    webhook: Webhook
    extra: Parameters = ()


class Walker:
    """One call's way through its documents."""

    def __init__(
        self,
        call: Call,
        behaviour: Behaviour,
        *,
        clock: Clock,
        courier: Courier,
        parameters: Callable[[Call], list[tuple[str, str]]],
        changed: Callable[[], None],
    ) -> None:
        """Store the parts.

        ``parameters`` are those that each request about the call carries; ``changed`` is called
        whenever the phone has something new to show.
        """
        self._call = call
        self._behaviour = behaviour
        self._clock = clock
        self._courier = courier
        self._parameters = parameters
        self._changed = changed
        self._keys = list(behaviour.keys)
        self._base = ""

    async def walk(self, options: CallOptions, extra: Parameters = ()) -> None:
        """Carry out what the call was made with, to its end."""
        try:
            page = await self._begin(options, extra)
            for _ in range(_MAX_DOCUMENTS):
                if page is None:
                    return
                page = await self._carry_out(await self._fetch(page, options.fallback))
            self._problem(11200, f"more than {_MAX_DOCUMENTS} documents: the call was ended")
        except (WebhookError, TwimlError) as error:
            self._problem(error.code, error.message)
            await self._say(Say(SORRY))

    async def _begin(self, options: CallOptions, extra: Parameters) -> _Page | None:
        if options.url is None:
            return await self._carry_out(self._read(options.twiml))
        self._base = options.url.url
        return _Page(options.url, extra)

    async def _fetch(self, page: _Page, fallback: Webhook | None) -> Document:
        try:
            return await self._fetch_once(page)
        except (WebhookError, TwimlError) as error:
            if fallback is None:
                raise
            self._problem(error.code, error.message)
            told = [("ErrorCode", str(error.code)), ("ErrorUrl", page.webhook.url)]
            return await self._fetch_once(_Page(fallback, [*page.extra, *told]))

    async def _fetch_once(self, page: _Page) -> Document:
        answer = await self._courier.ask(page.webhook, [*self._parameters(self._call), *page.extra])
        if not answer.is_good:
            raise WebhookError(11200, f"{page.webhook.url} answered {answer.status}")
        document = self._document(answer, page.webhook.url)
        self._base = page.webhook.url
        return document

    def _document(self, answer: Answer, url: str) -> Document:
        if answer.content_type == "text/plain":
            return Document((Say(answer.text),))
        if answer.content_type.startswith("audio/"):
            return Document((Play(url),))
        if answer.content_type not in _XML_TYPES:
            raise TwimlError(12300, f"Invalid Content-Type: {answer.content_type}")
        return self._read(answer.text)

    def _read(self, text: str) -> Document:
        document = parse(text)
        for warning in document.warnings:
            code, _, sentence = warning.partition(": ")
            self._problem(int(code), sentence)
        return document

    async def _carry_out(self, document: Document) -> _Page | None:
        """Do what a document says; return where to go on, or None at the end of the call."""
        for verb in document.verbs:
            if isinstance(verb, Hangup):
                return None
            if isinstance(verb, Redirect):
                return self._next(verb.url, verb.method)
            if isinstance(verb, Gather):
                page = await self._gather(verb)
                if page is not None:
                    return page
            else:
                await self._sound(verb)
        return None

    def _next(self, url: str, method: str, extra: Parameters = ()) -> _Page:
        target = urljoin(self._base, url)
        if not target.startswith(("http://", "https://")):
            raise WebhookError(11100, f"Invalid URL format: {url!r} has nothing to be relative to")
        return _Page(Webhook(target, method), extra)

    async def _sound(self, verb: Say | Pause | Play) -> None:
        if isinstance(verb, Pause):
            await self._clock.sleep(verb.length)
        elif isinstance(verb, Say):
            await self._say(verb)
        else:
            for _ in range(verb.loop):
                await self._utter(Utterance(verb.url, "", kind="play"), _SECONDS_PER_SOUND)

    async def _say(self, verb: Say) -> None:
        for _ in range(verb.loop if verb.text else 0):
            seconds = 1.0 + len(verb.text) / _CHARACTERS_PER_SECOND
            await self._utter(Utterance(verb.text, verb.language, verb.voice), seconds)

    async def _utter(self, utterance: Utterance, seconds: float) -> None:
        call = self._call
        log.info("%s hears: %s", call.to, utterance.text)
        call.transcript.append(utterance)
        call.utterance_number += 1
        call.saying = utterance
        self._changed()
        try:
            await self._clock.sleep(seconds)
        finally:
            call.saying = None
            self._changed()

    async def _gather(self, verb: Gather) -> _Page | None:
        digits, finished_on = await self._listen(verb)
        if not digits and not verb.is_empty_sent:
            return None
        told = [("Digits", digits), ("FinishedOnKey", finished_on), ("msg", "Gather End")]
        return self._next(verb.action or self._base, verb.method, told)

    async def _listen(self, verb: Gather) -> tuple[str, str]:
        """Return the digits, and the key that finished them ("" if none did)."""
        call = self._call
        _drain(call.keys)
        call.listening = Listening(verb.num_digits, verb.finish_on_key)
        self._changed()
        prompt = asyncio.create_task(self._prompt(verb.prompt))
        typing = asyncio.create_task(self._type(prompt))
        try:
            return await self._collect(verb, prompt)
        finally:
            for task in (prompt, typing):
                task.cancel()
            await asyncio.gather(prompt, typing, return_exceptions=True)
            call.listening = None
            self._changed()

    async def _collect(self, verb: Gather, prompt: asyncio.Task[None]) -> tuple[str, str]:
        digits = ""
        while True:
            key = await self._next_key(verb.timeout, None if digits else prompt)
            if not key:
                return digits, ""
            prompt.cancel()
            if key in verb.finish_on_key:
                return digits, key
            digits += key
            if self._call.listening is not None:
                self._call.listening = replace(self._call.listening, digits=digits)
            self._changed()
            if len(digits) == verb.num_digits:
                return digits, ""

    async def _next_key(self, seconds: float, prompt: asyncio.Task[None] | None) -> str:
        """Return the next key, "" when none comes within so many seconds after the prompt."""
        pressed = asyncio.create_task(self._call.keys.get())
        try:
            if prompt is not None:
                await asyncio.wait({pressed, prompt}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({pressed}, timeout=self._clock.real(seconds))
            return pressed.result() if pressed.done() else ""
        finally:
            pressed.cancel()

    async def _prompt(self, sounds: Sequence[Say | Pause | Play]) -> None:
        for sound in sounds:
            await self._sound(sound)
        if self._call.listening is not None:
            self._call.listening = replace(self._call.listening, is_prompt_over=True)
            self._changed()

    async def _type(self, prompt: asyncio.Task[None]) -> None:
        """Press the keys that the number's behaviour has for this Gather."""
        if not self._keys or self._behaviour.answers != Pickup.PERSON:
            return
        keys = self._keys.pop(0)
        if not self._behaviour.is_interrupting:
            await asyncio.wait({prompt})
        await self._clock.sleep(self._behaviour.key_after)
        for key in keys:
            log.info("%s presses %s", self._call.to, key)
            await self._call.keys.put(key)
            await self._clock.sleep(0.2)

    def _problem(self, code: int, message: str) -> None:
        log.warning("call %s to %s: %d: %s", self._call.sid, self._call.to, code, message)
        self._call.problems.append((code, message))


def _drain(keys: asyncio.Queue[str]) -> None:
    """Forget keys that were pressed before a Gather listened."""
    while not keys.empty():
        keys.get_nowait()
