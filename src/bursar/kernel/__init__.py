"""What every app stands on and nothing of the product: clock, actor, errors, transactions, history, settings."""
