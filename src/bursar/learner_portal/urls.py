"""Where the pages for the people who learn live."""

from django.urls import path

from bursar.learner_portal import views

app_name = "learner_portal"
urlpatterns = [
    path("", views.choose, name="choose"),
    path("<slug:customer>/", views.courses, name="courses"),
    path("<slug:customer>/dismiss/", views.dismiss, name="dismiss"),
    path("<slug:customer>/courses/<uuid:assignment>/", views.course, name="course"),
    path("<slug:customer>/courses/<uuid:assignment>/decline/", views.decline, name="decline"),
    path("<slug:customer>/courses/<uuid:assignment>/more-time/", views.more_time, name="more_time"),
]
