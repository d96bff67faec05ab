"""A stand-in for Twilio on this machine: the same REST API, states, callbacks and TwiML.

It imports nothing of this project. ``python -m simulator.provider`` runs it.
It follows Twilio's documentation. Where the documentation leaves something open, it does what is harder
for its client.

::

    server     puts it together          api, control   routes: Twilio's, and the phone's and tests'
    calls      a call from queue to end  messages       a text message from queue to receipt
    walker     carries out TwiML         twiml          reads it
    callbacks  signs and delivers        behaviours     how a number answers
    faults     what goes wrong with one request
"""
