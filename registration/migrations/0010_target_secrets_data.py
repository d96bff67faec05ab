"""Encrypt the addresses and settings of targets, and key the hashes of addresses, a few thousand rows at a time.

The new hash is made of the old one: a code's row has no address.
"""

import json

from django.db import migrations

from common.db import bulk
from common.fields import encrypt, lookup_hash

CHUNK = 5_000


def _chunks(model, *columns):
    last = 0
    while rows := list(model.objects.filter(pk__gt=last).order_by("pk").values_list("pk", *columns)[:CHUNK]):
        yield rows
        last = rows[-1][0]


def seal(apps, schema_editor):
    target = apps.get_model("registration", "Target")
    for rows in _chunks(target, "address", "config", "fingerprint"):
        sealed = [
            (pk, encrypt(address), encrypt(json.dumps(config)) if config else "", lookup_hash(digest))
            for pk, address, config, digest in rows
        ]
        bulk.update(target, ["address", "sealed_config", "fingerprint"], sealed)
    verification = apps.get_model("registration", "Verification")
    for rows in _chunks(verification, "fingerprint"):
        bulk.update(verification, ["fingerprint"], [(pk, lookup_hash(digest)) for pk, digest in rows])


class Migration(migrations.Migration):
    dependencies = [("registration", "0009_target_secrets")]
    operations = [migrations.RunPython(seal)]
