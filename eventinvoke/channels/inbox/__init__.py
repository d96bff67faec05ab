"""The inbox in the panel: a notice that is there as soon as its delivery is SENT."""
