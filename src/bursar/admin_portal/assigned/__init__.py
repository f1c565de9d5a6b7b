"""What a budget has assigned: the table, and what can be done with rows of it, one, some or all that match."""
