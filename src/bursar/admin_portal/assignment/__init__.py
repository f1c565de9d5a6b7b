"""One assignment: everything that happened to it and why, and what can be done with it."""
