"""Makes the one row of the installation, so that no transaction that rolls back can take the pepper with it."""

import secrets

from django.db import migrations


def make_installation(apps, schema_editor):
    rows = apps.get_model("bursar_people", "Installation").objects.using(schema_editor.connection.alias)
    rows.get_or_create(pk=1, defaults={"pepper": secrets.token_hex(32)})


class Migration(migrations.Migration):
    dependencies = [("bursar_people", "0002_api_tokens")]
    operations = [migrations.RunPython(make_installation, migrations.RunPython.noop)]
