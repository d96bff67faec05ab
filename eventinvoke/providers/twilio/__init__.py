"""Twilio's REST API, for calls and text messages alike.

- ``rest`` makes requests (https://www.twilio.com/docs/usage/requests-to-twilio).
- ``answers`` says what became of a message by the answer to the request that creates it.
- ``codes`` is the table of Twilio's error numbers.
- ``statuses`` is the table of Twilio's words for how a call or a message goes.
- ``asking`` finds out afterwards what became of it, when an answer or the callbacks were lost.

Requests go through ``common.http.exchange``: many at once, over kept-alive connections, and never
repeated by themselves, as the second request to create a call is a second call.
"""
