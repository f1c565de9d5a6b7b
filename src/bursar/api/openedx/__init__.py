"""The wire of Open edX's assignments, budgets and transactions, so that its web clients work here unchanged."""
