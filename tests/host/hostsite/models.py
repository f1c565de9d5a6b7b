"""A host project's own user model: an address instead of a user name, under another field name."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Member(AbstractBaseUser):
    mailbox = models.EmailField(unique=True)
    USERNAME_FIELD = "mailbox"
    EMAIL_FIELD = "mailbox"
    objects = BaseUserManager()
