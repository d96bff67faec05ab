"""Tests of whole paths, of interfaces and of pages, with their fixtures and servers."""
