"""Funds, budgets, transactions, reversals and the ledger. Only `budgets.services` writes what counts money."""

from bursar.budgets.models.budgets import Budget
from bursar.budgets.models.funds import Fund
from bursar.budgets.models.ledger import EntryKind, LedgerEntry
from bursar.budgets.models.transactions import Reversal, Transaction, TransactionState

__all__ = ["Budget", "EntryKind", "Fund", "LedgerEntry", "Reversal", "Transaction", "TransactionState"]
