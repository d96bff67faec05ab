"""Members, their targets and their registrations: the control panel."""
