"""Django's settings, read from the JSON file that BENCH_DJANGO names."""

import json
import os
from pathlib import Path

from sqlalchemy.engine import make_url

_told = json.loads(Path(os.environ["BENCH_DJANGO"]).read_text())
_url = make_url(_told["database"])

DEBUG = False
SECRET_KEY = _told["jwt_secret"]
JWT_SECRET = _told["jwt_secret"]
CODE_SECRET = bytes.fromhex(_told["secret"])
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.baseline_django.urls"
INSTALLED_APPS = ["rest_framework", "bench.baseline_django"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _url.database,
        "USER": _url.username,
        "PASSWORD": _url.password,
        "HOST": _url.host,
        "PORT": _url.port,
        "CONN_MAX_AGE": _told["conn_max_age"],
    }
}
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["bench.baseline_django.auth.Bearer"],
    "DEFAULT_PERMISSION_CLASSES": ["bench.baseline_django.auth.ByRole"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
