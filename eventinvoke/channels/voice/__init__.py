"""Phone calls, by Twilio.

A call is created with the address of its content (``notification:call-content``), so that the
text is made when the call is answered: how far off the event is by then, or that it was canceled.
"""
