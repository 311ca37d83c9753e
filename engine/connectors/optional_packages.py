"""Packages that only some connectors need."""

from importlib.util import find_spec

from vpl.catalog.connectors import OPTIONAL_PACKAGES, OptionalPackage

POSTGRESQL = OptionalPackage("psycopg", "database")


class MissingPackageError(LookupError):
    """A connector needs a package that is not installed."""


def require(kind: str, package: OptionalPackage | None = None) -> None:
    """Raise MissingPackageError unless what a connector kind needs is installed."""
    package = package or OPTIONAL_PACKAGES[kind]
    if find_spec(package.module) is None:
        raise MissingPackageError(
            f"this connector of kind '{kind}' needs the package '{package.module}', "
            f"which is not installed: pip install 'varpulis[{package.extra}]'"
        )
