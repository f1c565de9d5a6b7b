"""Where the pages for the people who assign live."""

from django.urls import include, path

from bursar.admin_portal import views
from bursar.admin_portal.assign import doing
from bursar.admin_portal.assign import views as assign
from bursar.admin_portal.assigned import views as assigned
from bursar.admin_portal.assignment import views as assignment
from bursar.admin_portal.budgets import views as budgets
from bursar.admin_portal.requests import views as requests
from bursar.admin_portal.spent import views as spent

app_name = "admin_portal"
urlpatterns = [
    path("", views.choose, name="choose"),
    path("<slug:customer>/", budgets.budgets, name="budgets"),
    path("<slug:customer>/budgets/<uuid:budget>/", budgets.budget, name="budget"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/", assign.courses, name="assign"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/people/", assign.people, name="assign_people"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/check/", assign.check, name="check"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/plans/<uuid:plan>/", doing.plan, name="plan"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/plans/<uuid:plan>/mail/", doing.mail, name="plan_mail"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/plans/<uuid:plan>/apply/", doing.apply, name="plan_apply"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/plans/<uuid:plan>/discard/", doing.discard, name="plan_discard"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/batches/", doing.batches, name="batches"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/batches/<uuid:batch>/", doing.batch, name="batch"),
    path("<slug:customer>/budgets/<uuid:budget>/assign/batches/<uuid:batch>/undo/", doing.undo, name="batch_undo"),
    path(
        "<slug:customer>/budgets/<uuid:budget>/assign/batches/<uuid:batch>/beside/", doing.beside, name="batch_beside"
    ),
    path(
        "<slug:customer>/budgets/<uuid:budget>/assign/batches/<uuid:batch>/result.<str:kind>",
        doing.export,
        name="batch_export",
    ),
    path("<slug:customer>/budgets/<uuid:budget>/spent/", spent.spent, name="spent"),
    path("<slug:customer>/budgets/<uuid:budget>/spent/export.<str:kind>", spent.export, name="spent_export"),
    path("<slug:customer>/budgets/<uuid:budget>/assigned/", assigned.assigned, name="assigned"),
    path("<slug:customer>/budgets/<uuid:budget>/assigned/remind/", assigned.remind, name="remind"),
    path("<slug:customer>/budgets/<uuid:budget>/assigned/cancel/", assigned.cancel, name="cancel"),
    path("<slug:customer>/assignments/<uuid:assignment>/", assignment.assignment, name="assignment"),
    path("<slug:customer>/assignments/<uuid:assignment>/extend/", assignment.extend, name="extend"),
    path("<slug:customer>/assignments/<uuid:assignment>/hand-over/", assignment.hand_over, name="hand_over"),
    path("<slug:customer>/requests/", requests.requests, name="requests"),
    path("<slug:customer>/requests/<uuid:key>/", requests.request, name="request"),
    path("<slug:customer>/settings/", include("bursar.admin_portal.settings.urls")),
    path("<slug:customer>/reports/", include("bursar.admin_portal.reports.urls")),
]
