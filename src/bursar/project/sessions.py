"""Sessions as Django keeps them in the database, but that a cookie which no key can be is no session there either."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """A session by its key; a quoted cookie can hold NUL, which PostgreSQL refuses even to look for."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(None if session_key and "\0" in session_key else session_key)
