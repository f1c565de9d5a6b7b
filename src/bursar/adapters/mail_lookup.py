"""Which mails have left: asked of the function that the setting `mail_lookup` names."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from bursar.adapters.mail_composing import message_id
from bursar.kernel.backends import backend
from bursar.kernel.conf import setting

LookUp = Callable[[Sequence[str]], Mapping[str, bool]]


def look_up(messages: Sequence[UUID]) -> dict[UUID, bool]:
    """Return for mails that may have left whether they did, as far as the setting's function can tell.

    It gets their Message-IDs and leaves out those of which it cannot tell; what it raises goes through.
    """
    if not messages or not setting("mail_lookup"):
        return {}
    asked = {message_id(message): message for message in messages}
    find: LookUp = backend("mail_lookup")
    return {asked[key]: has_left for key, has_left in find(list(asked)).items() if key in asked}
