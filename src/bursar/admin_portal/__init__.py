"""Pages for the people who assign."""
