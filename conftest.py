"""Fixtures for all tests; tests/fixtures/ has them by kind."""

pytest_plugins = [
    "tests.fixtures.sockets",
    "tests.fixtures.servers",
    "tests.fixtures.caldav",
    "tests.fixtures.processes",
    "tests.fixtures.browser",
    "tests.fixtures.passwords",
    "tests.google.fixtures",
    "tests.simulated_twilio",
    "tests.webhook_site",
]
