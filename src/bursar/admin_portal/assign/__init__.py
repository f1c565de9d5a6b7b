"""Assigning a course to people: choose it, say who, look at the plan, do exactly that, and see what became of each row."""
