"""The one door out: a row per message, written with its cause, delivered after commit."""
