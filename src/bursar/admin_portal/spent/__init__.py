"""What was spent from a budget, as a table and as a file."""
