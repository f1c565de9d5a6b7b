"""What only a web API can refuse; every other error comes from the verbs."""

from bursar.kernel.errors import BadInput, BursarError


class Forbidden(BursarError):
    """The caller may see this but not do that."""

    default_code = "forbidden"


class Unconditional(BursarError):
    """An edit without If-Match."""

    default_code = "precondition_required"


class Stale(BursarError):
    """Somebody else has changed it since."""

    default_code = "stale"


class UnsupportedMedia(BadInput):
    """The body is of a type that is not read here."""

    default_code = "unsupported_media_type"


class LengthRequired(BadInput):
    """The body comes without its length."""

    default_code = "length_required"


class TooLarge(BadInput):
    """The body is larger, or names more, than is read here."""

    default_code = "too_large"
