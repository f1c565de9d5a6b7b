"""The verbs on events, their deliveries and the endpoints that get them."""

from bursar.webhooks.services.deliveries import may_try, record_delivery, settle_without_posting
from bursar.webhooks.services.endpoints import (
    FAILING,
    GONE,
    EndpointAct,
    NewSecret,
    add_endpoint,
    check_url,
    choose_events,
    disable_endpoint,
    egress_rules,
    enable_endpoint,
    remove_endpoint,
    replay_events,
    rotate_secret,
)
from bursar.webhooks.services.events import TOPIC, Fact, has_unpublished, prune_events, publish_due, record_events

__all__ = [
    "FAILING",
    "GONE",
    "TOPIC",
    "EndpointAct",
    "Fact",
    "NewSecret",
    "add_endpoint",
    "check_url",
    "choose_events",
    "disable_endpoint",
    "egress_rules",
    "enable_endpoint",
    "has_unpublished",
    "may_try",
    "prune_events",
    "publish_due",
    "record_delivery",
    "record_events",
    "remove_endpoint",
    "replay_events",
    "rotate_secret",
    "settle_without_posting",
]
