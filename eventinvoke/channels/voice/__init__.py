"""Phone calls, by Twilio.

A call is created with the address of its content (``notification:call-content``), so that what is
said is made when somebody answers: how far off the event is by then, or that it was canceled.
"""
