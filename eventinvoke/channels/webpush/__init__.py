"""Notifications in a browser, by Web Push (RFC 8030), encrypted (RFC 8291) and signed (RFC 8292).

What the service worker gets is JSON in UTF-8, at most 3993 bytes::

    {
      "title": "Weekly call",            always
      "body": "In 10 minutes ...",       always, perhaps ""; cut with an ellipsis where too long
      "tag": "q3ZkZ...",                 always; the same for every try, so a second one replaces the first
      "severity": "info",                "info", "warning" or "critical"
      "language": "en",                  BCP 47, the member's: for ``lang`` and ``dir``
      "url": "https://...",              where to read more, or ""
      "starts_at": "2026-11-20T09:00:00Z",   when the event starts (UTC), or null
      "process_id": "Zm9v...",           "" for a message without answers (a test)
      "report": "/n/Zm9v.../push",       where to POST what became of it (shown, clicked, closed,
                                         confirm, snooze); same origin; "" with no process id
      "actions": [                       empty with no process id
        {"action": "confirm", "title": "Acknowledge"},
        {"action": "snooze", "title": "Snooze"}
      ],
      "close": true                      only where the notification of that tag is to go: it was
                                         acknowledged elsewhere. title and body say so in its place where
                                         the browser insists on showing something
    }

A subscription is stored as its endpoint (the address) and ``{"keys": {"p256dh": ..., "auth": ...}}``
(the config), as ``PushSubscription.toJSON()`` gives it.
"""
