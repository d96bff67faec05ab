"""What people type in the panel."""
