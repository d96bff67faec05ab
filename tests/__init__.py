"""Tests of whole paths, of interfaces and of pages, and what they stand on."""
