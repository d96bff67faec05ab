"""The panel's pages about events and deliveries: coming, delivered, timelines, the inbox."""
