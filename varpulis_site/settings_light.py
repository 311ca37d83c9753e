"""Settings for the engine's own commands: no database, no web, quick to start."""

INSTALLED_APPS = ["engine"]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
# The engine's commands set up their own logs.
LOGGING_CONFIG = None
