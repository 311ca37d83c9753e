"""Settings of the coordinator, from the environment only (api.md 12).

`varpulis coordinator` turns its flags into these variables before this module is
read. For a deployment behind a TLS proxy set VARPULIS_PRODUCTION=true,
VARPULIS_SECRET_KEY and VARPULIS_ALLOWED_HOSTS; then `manage.py check --deploy
--fail-level WARNING` is clean.
"""

import sys
from pathlib import Path

from csp.constants import NONE, SELF

from cluster.conf import is_loopback_host
from varpulis_site import env, log_format, secret_key

SITE_DIR = Path(__file__).resolve().parent
BASE_DIR = SITE_DIR.parent


# --- the process -------------------------------------------------------------------
PRODUCTION = env.boolean("VARPULIS_PRODUCTION")
DEBUG = env.boolean("VARPULIS_DEBUG")
BIND = env.text("VARPULIS_BIND", "127.0.0.1")
PORT = env.integer("VARPULIS_PORT", 9100, most=65535)
BOUND_TO_LOOPBACK = is_loopback_host(BIND)
STATE_DIR = env.state_folder() / f"coordinator-{PORT}"
REDIS_URL = env.secret("VARPULIS_REDIS_URL")
BROKER_URL = env.secret("VARPULIS_BROKER_URL")

CORS_ORIGINS = env.words("VARPULIS_CORS_ORIGINS")

SECRET_KEY = env.secret("VARPULIS_SECRET_KEY") or secret_key.read_or_invent(STATE_DIR)

# A loopback bind answers to local names only, so that a page of another origin whose
# name was pointed at 127.0.0.1 (DNS rebinding) gets nothing.
LOCAL_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.words("VARPULIS_ALLOWED_HOSTS") or (
    [] if BOUND_TO_LOOPBACK else ["*"]
)
if BOUND_TO_LOOPBACK:
    ALLOWED_HOSTS += LOCAL_HOSTS

VARPULIS = {
    "API_KEY": env.secret("VARPULIS_API_KEY"),
    "JOIN_TOKENS": env.words("VARPULIS_JOIN_TOKEN"),
    "BIND": BIND,
    "PORT": PORT,
    "INSECURE": env.boolean("VARPULIS_INSECURE"),
    "STATE_DIR": STATE_DIR,
    "HEARTBEAT_INTERVAL": env.number("VARPULIS_HEARTBEAT_INTERVAL", 5, least=0.1),
    "HEARTBEAT_TIMEOUT": env.number("VARPULIS_HEARTBEAT_TIMEOUT", 15, least=0.1),
    "SWEEP_INTERVAL": env.number("VARPULIS_SWEEP_INTERVAL", 5, least=0.1),
    "SWEEPER": env.choice("VARPULIS_SWEEPER", "auto", ("auto", "process", "celery")),
    "HTTP_TIMEOUT": env.number("VARPULIS_HTTP_TIMEOUT", 10, least=0.1),
    "CONNECT_TIMEOUT": env.number("VARPULIS_CONNECT_TIMEOUT", 3, least=0.1),
    "FAILOVER_GRACE": env.number("VARPULIS_FAILOVER_GRACE", 10),
    "CHECKPOINT_INTERVAL": env.number("VARPULIS_CHECKPOINT_INTERVAL", 30),
    "CHECKPOINT_KEEP": env.integer("VARPULIS_CHECKPOINT_KEEP", 3, least=1),
    "DEFAULT_ROUTE": env.text("VARPULIS_DEFAULT_ROUTE", "first"),
    "UNIQUE_GROUP_NAMES": env.boolean("VARPULIS_UNIQUE_GROUP_NAMES"),
    "PLACEMENT": env.choice(
        "VARPULIS_PLACEMENT", "round_robin", ("round_robin", "least_loaded")
    ),
    "ORPHANS": env.choice("VARPULIS_ORPHANS", "remove", ("remove", "keep")),
    "WORKER_NETWORKS": env.words("VARPULIS_WORKER_NETWORKS"),
    "TLS_CERT": env.text("VARPULIS_TLS_CERT"),
    "TLS_KEY": env.text("VARPULIS_TLS_KEY"),
    "TLS_CA_CERT": env.text("VARPULIS_TLS_CA_CERT"),
    "METRICS_PUBLIC": env.boolean("VARPULIS_METRICS_PUBLIC"),
    "CORS_ORIGINS": CORS_ORIGINS,
    "RATE_LIMIT": env.number("VARPULIS_RATE_LIMIT", 0),
    "RETENTION_DAYS": env.number("VARPULIS_RETENTION_DAYS", 30),
    "TRUSTED_PROXIES": env.words("VARPULIS_TRUSTED_PROXIES"),
    "BROKER": bool(BROKER_URL),
}

# --- Django ------------------------------------------------------------------------
INSTALLED_APPS = [
    # daphne only replaces Django's development server; it loads Twisted, which the
    # coordinator has no use for.
    *(["daphne"] if sys.argv[1:2] == ["runserver"] else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "cluster",
    "varpulis_site",
]

MIDDLEWARE = [
    "varpulis_site.request_metrics.RequestMetricsMiddleware",
    "varpulis_site.audit.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "varpulis_site.content_policy.ContentPolicyMiddleware",
    "varpulis_site.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "varpulis_site.urls"
ASGI_APPLICATION = "varpulis_site.asgi.application"

# The wheel carries the templates inside this package, a checkout beside it.
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [
            folder
            for folder in (BASE_DIR / "templates", SITE_DIR / "templates")
            if folder.is_dir()
        ],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = env.secret("VARPULIS_DATABASE_URL")
DATABASES = {
    "default": env.database(DATABASE_URL)
    if DATABASE_URL
    else env.sqlite(STATE_DIR / "coordinator.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                # Longer than the layer waits for a message before it asks again.
                "hosts": [{"address": REDIS_URL, "socket_timeout": 15}],
                "prefix": "varpulis",
            },
        },
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/topology/"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = env.text("VARPULIS_STATIC_ROOT") or None
# Files are served from where the packages keep them: nothing to collect first.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # bytes; calls that carry programs

# --- browser safety ----------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = env.words("VARPULIS_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "varpulis_site.errors.csrf_failure"

if VARPULIS["TLS_CERT"]:
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    # An API path never redirects, and probes speak plain HTTP inside the cluster.
    SECURE_REDIRECT_EXEMPT = [r"^api/", r"^health$", r"^ready$", r"^metrics$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.integer("VARPULIS_HSTS_SECONDS", 31_536_000, least=1)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# --- API ---------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "cluster.api.authentication.KeyAuthentication",
        "cluster.api.authentication.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["cluster.api.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "cluster.api.errors.exception_handler",
    "COMPACT_JSON": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Varpulis coordinator",
    "DESCRIPTION": "Workers, pipeline groups, routes and events of one cluster.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PREPROCESSING_HOOKS": ["cluster.api.views.documents.canonical_paths"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- logs --------------------------------------------------------------------------
LOG_FORMAT = env.choice(
    "VARPULIS_LOG_FORMAT", log_format.default_format(), log_format.FORMATS
)
LOG_LEVEL = log_format.level_of(
    env.text("VARPULIS_LOG_LEVEL") or env.text("RUST_LOG", "info")
)
LOGGING = log_format.logging_config(LOG_FORMAT, LOG_LEVEL)
