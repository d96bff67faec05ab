"""Vendors that more than one channel uses: how they are spoken to, and what their answers mean."""
