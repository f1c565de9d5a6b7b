"""Reports over all that a customer assigns: how far it comes, how long it takes, what it costs, who has not accepted."""
