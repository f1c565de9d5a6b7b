"""Bursar assigns courses to people by address, against a budget that cannot be overspent."""
