"""What all tests share: a database in a file, as the coordinator itself uses it.

Several threads and processes look at it; SQLite in memory knows only one of them.
"""

import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings

# every run tries the same examples: a red test is red again, and so is a green one
hypothesis_settings.register_profile("project", derandomize=True, deadline=None)
hypothesis_settings.load_profile("project")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put the test database into this run's own folder."""
    folder = tmp_path_factory.mktemp("database")
    test_settings = settings.DATABASES["default"].setdefault("TEST", {})
    test_settings["NAME"] = str(folder / "test.sqlite3")
