"""A stand-in for Twilio on this machine: the same REST API, states, callbacks and TwiML.

It knows nothing of this project and imports nothing of it. ``python -m simulator.provider`` runs it.
What it does is what Twilio's documentation says that Twilio does; where the documentation is silent,
it does what is harder for its client.

::

    server     puts it together          api, control   routes: Twilio's, and the phone's and tests'
    calls      a call from queue to end  messages       a text message from queue to receipt
    walker     carries out TwiML         twiml          reads it
    callbacks  signs and delivers        behaviours     how a number answers
    faults     what goes wrong with one request
"""
