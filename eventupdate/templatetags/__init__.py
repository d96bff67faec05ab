"""What templates show of calendar accounts."""
