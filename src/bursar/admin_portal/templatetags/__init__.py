"""Tags of the admin portal."""
