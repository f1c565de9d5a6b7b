"""Where the pages of the settings live, below `settings/` of a customer."""

from django.urls import path

from bursar.admin_portal.settings import audit, reminders, roles, start, texts, tokens, webhooks

urlpatterns = [
    path("", start.settings, name="settings"),
    path("texts/", texts.texts, name="settings_texts"),
    path("texts/mute/", texts.mute, name="settings_mute"),
    path("texts/<str:kind>/<str:language>/", texts.text, name="settings_text"),
    path("texts/<str:kind>/<str:language>/mail/", texts.mail, name="settings_text_mail"),
    path("texts/<str:kind>/<str:language>/reset/", texts.reset, name="settings_text_reset"),
    path("reminders/", reminders.reminders, name="settings_reminders"),
    path("reminders/off/", reminders.off, name="settings_reminders_off"),
    path("reminders/simulate/", reminders.simulate, name="settings_simulate"),
    path("roles/", roles.roles, name="settings_roles"),
    path("roles/<uuid:member>/", roles.role, name="settings_role"),
    path("roles/<uuid:member>/remove/", roles.remove, name="settings_role_remove"),
    path("tokens/", tokens.tokens, name="settings_tokens"),
    path("tokens/<uuid:token>/revoke/", tokens.revoke, name="settings_token_revoke"),
    path("webhooks/", webhooks.webhooks, name="settings_webhooks"),
    path("webhooks/<uuid:endpoint>/", webhooks.webhook, name="settings_webhook"),
    path("webhooks/<uuid:endpoint>/test/", webhooks.test, name="settings_webhook_test"),
    path("webhooks/<uuid:endpoint>/events/", webhooks.events, name="settings_webhook_events"),
    path("webhooks/<uuid:endpoint>/secret/", webhooks.secret, name="settings_webhook_secret"),
    path("webhooks/<uuid:endpoint>/enable/", webhooks.enable, name="settings_webhook_enable"),
    path("webhooks/<uuid:endpoint>/disable/", webhooks.disable, name="settings_webhook_disable"),
    path("webhooks/<uuid:endpoint>/remove/", webhooks.remove, name="settings_webhook_remove"),
    path("webhooks/<uuid:endpoint>/replay/", webhooks.replay, name="settings_webhook_replay"),
    path("audit/", audit.audit, name="settings_audit"),
]
