"""Two APIs, one of each kind, that say who is asking, beside everything that the service answers."""

from django.urls import path
from ninja.errors import AuthenticationError, HttpError

from bursar.api.auth import actor_of
from bursar.api.base import Api
from bursar.api.openedx import errors
from bursar.api.v1 import problems
from bursar.kernel.errors import BursarError
from bursar.project import urls

PATH = "/v1/probe/who"
OPENEDX = "/api/probe/who"


def who(request):
    return actor_of(request).as_json()


def make(name, answers):
    api = Api(title=name, version="1", urls_namespace=name, errors={})
    for kind, handler in answers.items():
        api.answer(kind, handler)
    api.get("/who")(who)
    api.post("/who")(who)
    return api


own = make(
    "probe",
    {AuthenticationError: problems.unauthenticated, HttpError: problems.http_error, BursarError: problems.refused},
)
openedx = make(
    "probe-openedx",
    {AuthenticationError: errors.unauthenticated, HttpError: errors.http_error, BursarError: errors.refused},
)

urlpatterns = [path("v1/probe/", own.urls), path("api/probe/", openedx.urls), *urls.urlpatterns]
handler404 = urls.handler404
