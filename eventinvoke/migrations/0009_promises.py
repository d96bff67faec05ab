"""Deliveries carry the start that they are about, and outlive members, targets and plans.

The columns come here, what stands in them in 0010, the constraints in 0011: PostgreSQL does not alter a
table in the transaction that has written to it.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('eventinvoke', '0008_held'),
        ('registration', '0005_versions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('condition', models.CharField(choices=[('unconfirmed', 'only while nobody has confirmed'), ('always', 'always')], max_length=12)),
            ],
        ),
        migrations.AddField(
            model_name='answer',
            name='channel',
            field=models.CharField(blank=True, default='', help_text='The kind of channel of the notice that it answers.', max_length=20),
        ),
        migrations.AddField(
            model_name='answer',
            name='member_name',
            field=models.CharField(blank=True, default='', max_length=150),
        ),
        migrations.AddField(
            model_name='attempt',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='The start of the event that this try told.', null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='origin',
            field=models.CharField(choices=[('plan', 'a plan'), ('snooze', 'a snooze'), ('redial', 'a second call'), ('change', 'the event was moved or takes place after all'), ('canceled', 'the event was canceled'), ('digest', 'a digest'), ('direct', 'a notice to one member')], default='plan', max_length=8),
        ),
        migrations.AddField(
            model_name='delivery',
            name='recipient',
            field=models.CharField(blank=True, default='', help_text="The member's name when it was planned.", max_length=150),
        ),
        migrations.AddField(
            model_name='delivery',
            name='settled_at',
            field=models.DateTimeField(blank=True, help_text='When it was suppressed, canceled, expired or known to be missed.', null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='shown',
            field=models.CharField(blank=True, default='', help_text='The target as a person reads it, when it was planned.', max_length=200),
        ),
        migrations.AddField(
            model_name='event',
            name='version',
            field=models.PositiveIntegerField(default=1, editable=False, help_text='Rises with every change.'),
        ),
        migrations.AlterField(
            model_name='answer',
            name='member',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='answers', to='registration.member'),
        ),
        migrations.AlterField(
            model_name='answer',
            name='starts_at',
            field=models.DateTimeField(help_text='The start that the member was told.'),
        ),
        migrations.AlterField(
            model_name='attempt',
            name='number',
            field=models.PositiveIntegerField(default=1, help_text='Which try of its delivery it is.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='attempts',
            field=models.PositiveIntegerField(default=0, help_text='Tries so far; also what a late worker is known by.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='Until then its worker has recorded a result, or its provider or browser has reported.', null=True),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='member',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='deliveries', to='registration.member'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it is in its state.', max_length=300),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='registration',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='deliveries', to='registration.registration'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='step',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='registration.step'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='target',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='deliveries', to='registration.target'),
        ),
        migrations.AlterField(
            model_name='held',
            name='registration',
            field=models.ForeignKey(help_text='The mute; none for what quiet hours held back.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='held', to='registration.registration'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='starts_at',
            field=models.DateTimeField(null=True, help_text='The start of the event that it is about.'),
        ),
        migrations.AddField(
            model_name='event',
            name='planned_version',
            field=models.PositiveIntegerField(default=1, editable=False, help_text='The version that its deliveries follow; 0 from a change until it is planned.'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('state', 'expired')), fields=['deadline_at'], name='delivery_expired'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['starts_at'], name='event_start'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('planned_version', 0)), fields=['id'], name='event_unplanned'),
        ),
        migrations.AddField(
            model_name='share',
            name='delivery',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='eventinvoke.delivery'),
        ),
        migrations.AddField(
            model_name='share',
            name='registration',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='registration.registration'),
        ),
        migrations.AddField(
            model_name='share',
            name='step',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='registration.step'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.UniqueConstraint(fields=('delivery', 'registration'), name='share_once'),
        ),
    ]
