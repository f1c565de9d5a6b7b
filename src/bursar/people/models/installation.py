"""The one row that a database keeps about itself."""

from django.db import models

from bursar.kernel.fields import CreatedField


class Installation(models.Model):
    """Row 1 and no other. The pepper is not derived from SECRET_KEY, so that one can be changed without the other."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    pepper = models.CharField(max_length=64, editable=False)
    demo = models.BooleanField(default=False)
    created = CreatedField()

    class Meta:
        db_table = "bursar_people_installation"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="bursar_one_installation")]
