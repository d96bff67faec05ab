"""Events, deliveries and channels: from publishing to the receipt."""
