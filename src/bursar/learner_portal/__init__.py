"""Pages for the people who learn."""
