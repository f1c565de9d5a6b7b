"""The secret key of an installation that was given none: made once, kept in the data directory, readable by its owner."""

import os
import secrets
from pathlib import Path

from bursar.kernel.errors import Misconfigured


def secret_key(data_dir: Path) -> str:
    """Return the key kept under `data_dir`, made now if there is none; two processes at once end with the same one.

    Raises `Misconfigured` when it cannot be kept or read there.
    """
    path = data_dir / "secret-key"
    try:
        if not path.exists():
            _make(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise _refused("holds no readable secret key and none can be made there") from error
    if not key:
        raise _refused("holds an empty secret key; remove that file and a new one is made")
    return key


def _make(path: Path) -> None:
    draft = path.with_name(f".secret-key-{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64), encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _refused(what: str) -> Misconfigured:
    return Misconfigured(f"BURSAR_DATA_DIR {what}.", setting="BURSAR_DATA_DIR")
