"""Tests of the tests' own ground: the servers, the processes and the browser."""
