"""Tags of the pages about events and deliveries."""
