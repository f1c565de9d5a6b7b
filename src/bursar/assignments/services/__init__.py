"""The verbs on assignments. Each takes many, works in chunks of one transaction each, and answers for every one."""

from bursar.assignments.services.acknowledge import acknowledge_each, acknowledge_many
from bursar.assignments.services.allocate import plan_many
from bursar.assignments.services.batches import (
    allocate_many,
    batch_report,
    fill_batch,
    leave_out,
    open_batch,
    unfinished_batches,
)
from bursar.assignments.services.cancel import cancel_many, expire_many, undo_batch
from bursar.assignments.services.deadlines import extend_many, reschedule_fund, reschedule_many
from bursar.assignments.services.deliver import Told, record_deliveries, settle_without_sending
from bursar.assignments.services.digests import record_digests, settle_digests
from bursar.assignments.services.fanout import fan_out, settle_filled
from bursar.assignments.services.feedback import Feedback, record_feedback
from bursar.assignments.services.hand_over import HandedOver, hand_over, refuse_hand_over
from bursar.assignments.services.link import link_assignments
from bursar.assignments.services.notices import (
    note_copies_forgotten,
    open_digests,
    record_notices,
    set_notice_policy,
    warn_of_budgets,
    warn_of_endpoints,
    warn_of_funds,
)
from bursar.assignments.services.offers import Allocation, Call, Offer, Placed, Recipient, Rest
from bursar.assignments.services.planned import refuse_over
from bursar.assignments.services.plans import (
    PlanRequest,
    check_digest,
    discard_plan,
    find_plan,
    keep_plan,
    lapse_plans,
    placed_rows,
    plans,
    recipients_of,
    withdraw_plans,
)
from bursar.assignments.services.policies import (
    PolicyChange,
    draft_policy,
    policy_of,
    read_text,
    remove_text,
    set_muted,
    set_policy,
    set_text,
    switch_off,
    texts_of,
)
from bursar.assignments.services.prune import prune_stops, prune_told
from bursar.assignments.services.redeem import (
    CourseFacts,
    Enrolled,
    RedemptionRequest,
    Redemptions,
    begin_redemptions,
    finish_redemptions,
    has_given_up,
    judge_redemptions,
    pending_redemptions,
    redemption_facts,
)
from bursar.assignments.services.remind import not_nudged, nudge_many, remind_many
from bursar.assignments.services.replay import replay_messages
from bursar.assignments.services.replies import (
    Reply,
    decline_many,
    grant_time_many,
    refuse_time_many,
    request_time_many,
)
from bursar.assignments.services.retire import retire_many
from bursar.assignments.services.reverse import reverse_many
from bursar.assignments.services.steps import apply_policy, remind_people
from bursar.assignments.services.sweeps import sweep_on

__all__ = [
    "Allocation",
    "Call",
    "CourseFacts",
    "Enrolled",
    "Feedback",
    "HandedOver",
    "Offer",
    "Placed",
    "PlanRequest",
    "PolicyChange",
    "Recipient",
    "RedemptionRequest",
    "Redemptions",
    "Reply",
    "Rest",
    "Told",
    "acknowledge_each",
    "acknowledge_many",
    "allocate_many",
    "apply_policy",
    "batch_report",
    "begin_redemptions",
    "cancel_many",
    "check_digest",
    "decline_many",
    "discard_plan",
    "draft_policy",
    "expire_many",
    "extend_many",
    "fan_out",
    "fill_batch",
    "find_plan",
    "finish_redemptions",
    "grant_time_many",
    "hand_over",
    "has_given_up",
    "judge_redemptions",
    "keep_plan",
    "lapse_plans",
    "leave_out",
    "link_assignments",
    "not_nudged",
    "note_copies_forgotten",
    "nudge_many",
    "open_batch",
    "open_digests",
    "pending_redemptions",
    "placed_rows",
    "plan_many",
    "plans",
    "policy_of",
    "prune_stops",
    "prune_told",
    "read_text",
    "recipients_of",
    "record_deliveries",
    "record_digests",
    "record_feedback",
    "record_notices",
    "redemption_facts",
    "refuse_hand_over",
    "refuse_over",
    "refuse_time_many",
    "remind_many",
    "remind_people",
    "remove_text",
    "replay_messages",
    "request_time_many",
    "reschedule_fund",
    "reschedule_many",
    "retire_many",
    "reverse_many",
    "set_muted",
    "set_notice_policy",
    "set_policy",
    "set_text",
    "settle_digests",
    "settle_filled",
    "settle_without_sending",
    "sweep_on",
    "switch_off",
    "texts_of",
    "undo_batch",
    "unfinished_batches",
    "warn_of_budgets",
    "warn_of_endpoints",
    "warn_of_funds",
    "withdraw_plans",
]
