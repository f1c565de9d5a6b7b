"""Every address that the ready-made service answers."""

from django.urls import URLPattern, URLResolver, include, path

from bursar.admin_portal import urls as admin_portal
from bursar.api import urls as api_urls
from bursar.learner_portal import answer_urls
from bursar.learner_portal import urls as learner_portal
from bursar.pages import urls as page_urls
from bursar.project import gallery, health, tracking, unsubscribe, views, walk
from bursar.staff import urls as staff

handler400 = "bursar.project.errors.bad_request"
handler403 = "bursar.project.errors.forbidden"
handler404 = "bursar.project.errors.not_found"
handler500 = "bursar.project.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.start, name="start"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("accounts/", include("bursar.project.signin.urls")),
    path("courses/<str:key>", views.course, name="course"),
    path("unsubscribe/<str:token>", unsubscribe.page, name="unsubscribe"),
    path("dev/pages/", gallery.gallery, name="gallery"),
    path("dev/walk/<slug:name>/", walk.take, name="walk"),
    path("dev/mail/", views.mails, name="mails"),
    path("dev/mail/<uuid:assignment>/<uuid:message>/", views.mail, name="mail"),
    path("dev/mail/<uuid:assignment>/<uuid:message>/html", views.mail_html, name="mail-html"),
]
urlpatterns += api_urls.urlpatterns
urlpatterns += [
    path("", include(page_urls)),
    path("admin-portal/", include(admin_portal)),
    path("learn/", include(learner_portal)),
    path("answer/", include(answer_urls)),
    path("admin/", staff.urls),
]
if tracking.is_used():
    urlpatterns.append(path("anymail/", include("anymail.urls")))
