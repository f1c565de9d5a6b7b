"""Budgets at a glance, one budget, and what becomes of the money it holds."""
