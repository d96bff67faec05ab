"""Text messages, by Twilio, with a link to acknowledge."""
