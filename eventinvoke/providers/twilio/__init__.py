"""Twilio's REST API, for calls and text messages alike.

- ``rest`` makes requests (https://www.twilio.com/docs/usage/requests-to-twilio).
- ``answers`` derives the outcome of a message from the answer to the request that creates it.
- ``codes`` is the table of Twilio's error numbers.
- ``statuses`` is the table of Twilio's words for the progress of a call or a message.
- ``asking`` finds out the outcome afterwards, when an answer or the callbacks were lost.

Requests go through ``common.http.exchange``: many at once, over kept-alive connections, and never
repeated automatically, because a second request to create a call makes a second call.
"""
