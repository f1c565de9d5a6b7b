"""Where people sign in: our own pages first, then allauth's."""

from typing import Final

from django.urls import URLPattern, URLResolver, include, path

from bursar.project.signin import views

urlpatterns: Final[list[URLPattern | URLResolver]] = [
    path("sso/", views.organisation, name="signin-organisation"),
    path("sso/<slug:slug>/", views.named_organisation, name="signin-named-organisation"),
    path("oidc/<str:provider_id>/login/", views.leave),
    path("oidc/<str:provider_id>/login/callback/", views.come_back),
    path("login/code/confirm/", views.ConfirmCode.as_view()),
    path("2fa/totp/activate/", views.SetUpSecondFactor.as_view()),
    path("email/", views.nowhere),
    path("signup/", views.nowhere),
    path("social/signup/", views.nowhere),
    path("social/connections/", views.nowhere),
    path("3rdparty/", views.nowhere),
    path("3rdparty/signup/", views.nowhere),
    path("", include("allauth.urls")),
]
