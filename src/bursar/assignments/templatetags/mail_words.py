"""Dates in the templates of mails."""

from typing import Final

from django import template

from bursar.assignments.mail_words import mail_day, mail_moment

register: Final = template.Library()
register.filter(mail_day)
register.filter(mail_moment)
