"""What needs the world outside: asks the ports first, with no transaction open, then calls one verb with the answer."""

from bursar.assignments.flows.acceptances import Acceptance, Acceptances, accept_many, result_of, why_failed
from bursar.assignments.flows.accounts import create_account, link_user, verify_address, welcome
from bursar.assignments.flows.allocations import (
    AllocationRequest,
    allocate,
    allocate_file,
    apply_plan,
    fill_waiting,
    make_plan,
    plan,
    resume_batches,
)
from bursar.assignments.flows.calendar import (
    change_fund_end,
    import_catalog,
    nudge_due,
    nudge_exactly,
    nudge_selected,
    reschedule_changed,
)
from bursar.assignments.flows.deliveries import deliver_many
from bursar.assignments.flows.digests import deliver_digests
from bursar.assignments.flows.direct import send_now
from bursar.assignments.flows.exports import export_person
from bursar.assignments.flows.hand_over import hand_over
from bursar.assignments.flows.learning import (
    Choices,
    Learner,
    Prospect,
    RunChoice,
    Sight,
    choices_for,
    look_ahead,
    sights_of,
)
from bursar.assignments.flows.notices import (
    deliver_notices,
    digest_due,
    forget_copies,
    preview_admin_digest,
    preview_manager_digest,
    warn_due,
)
from bursar.assignments.flows.posting import look_up
from bursar.assignments.flows.privacy import erase_person, scrub_due
from bursar.assignments.flows.redemptions import judge_redemptions, redeem_many, resume_redemptions
from bursar.assignments.flows.reminders import remind_due
from bursar.assignments.flows.setup import create_assignable_budget, create_configuration, switch_configuration
from bursar.assignments.flows.stories import story

__all__ = [
    "Acceptance",
    "Acceptances",
    "AllocationRequest",
    "Choices",
    "Learner",
    "Prospect",
    "RunChoice",
    "Sight",
    "accept_many",
    "allocate",
    "allocate_file",
    "apply_plan",
    "change_fund_end",
    "choices_for",
    "create_account",
    "create_assignable_budget",
    "create_configuration",
    "deliver_digests",
    "deliver_many",
    "deliver_notices",
    "digest_due",
    "erase_person",
    "export_person",
    "fill_waiting",
    "forget_copies",
    "hand_over",
    "import_catalog",
    "judge_redemptions",
    "link_user",
    "look_ahead",
    "look_up",
    "make_plan",
    "nudge_due",
    "nudge_exactly",
    "nudge_selected",
    "plan",
    "preview_admin_digest",
    "preview_manager_digest",
    "redeem_many",
    "remind_due",
    "reschedule_changed",
    "result_of",
    "resume_batches",
    "resume_redemptions",
    "scrub_due",
    "send_now",
    "sights_of",
    "story",
    "switch_configuration",
    "verify_address",
    "warn_due",
    "welcome",
    "why_failed",
]
