"""What a framework needs before a snippet that uses it can run on its own: settings, a database, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DJANGO_WORD = re.compile(r"^\s*(?:from|import) django\b", re.MULTILINE)

_DJANGO = '''\
def _repoagent_django():
    import sys
    import django
    from django.conf import settings
    if settings.configured:
        return
    settings.configure(
        SECRET_KEY="x", DEBUG=False, USE_TZ=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF="__main__", STATIC_URL="/static/",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    )
    django.setup()
    from django.apps import AppConfig, apps
    here = sys.modules["__main__"]
    here.urlpatterns = []
    config = type("Here", (AppConfig,), {"path": "."})("__main__", here)
    config.label = "here"
    config.apps, config.models_module, config.models = apps, here, apps.all_models["here"]
    apps.app_configs["here"] = config

_repoagent_tables = set()

def _repoagent_prepare():
    """Make the tables of the models that were defined since, once the first step asks for the database at all."""
    from django.apps import apps
    from django.db import connection
    known = [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]
    fresh = [m for m in known if m not in _repoagent_tables]
    if not any(m._meta.app_label == "here" for m in fresh):
        return
    try:
        with connection.schema_editor() as editor:
            for model in fresh:
                _repoagent_tables.add(model)
                if not model._meta.auto_created:
                    editor.create_model(model)
    except Exception:
        pass  # the snippet will say itself what its models lack

_repoagent_django()
'''


def write_setup(code: str, packages: Sequence[str]) -> str:
    """Write the code to run before all else; empty where no framework is known to be used."""
    return _DJANGO if "django" in packages or _DJANGO_WORD.search(code) else ""
