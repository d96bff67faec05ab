"""One suite an interface, inherited by the tests of everything that implements it."""
