"""A simulated telephone company and its phones, for installations without a Twilio account."""
