"""Where links in mails lead, for people without an account; apart, so that a host project says where."""

from django.urls import path

from bursar.learner_portal import answers

app_name = "learner_answers"
urlpatterns = [path("<str:token>/", answers.page, name="page")]
