"""Contract tests run at a known moment, with a mailbox and a platform of their own, and end with clean books."""

from tests.db.surroundings import _clean_books, _noon, _ports, configure, unaudited

__all__ = ["_clean_books", "_noon", "_ports", "configure", "unaudited"]
