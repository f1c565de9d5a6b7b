"""Events told to other systems: a log in commit order, signed deliveries to the customer's endpoints, a feed to read."""
