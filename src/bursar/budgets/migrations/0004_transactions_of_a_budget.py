from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('bursar_budgets', '0003_transactions_of_a_fund'),
    ]

    operations = [  # the new one first: MariaDB keeps an index for the foreign key at all times
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(fields=['budget', '-created', 'uuid'], name='bursar_transaction_of_budget'),
        ),
        migrations.RemoveIndex(
            model_name='transaction',
            name='bursar_transaction_list',
        ),
    ]
