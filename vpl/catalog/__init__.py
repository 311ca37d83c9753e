"""What the language offers, as data: signatures, parameters and availability.

The checker judges programs by these tables; the engine proves by a test that it
implements what they promise. Setting a name in `AVAILABLE` is all that the language
front end needs once the engine runs it.
"""

from vpl.catalog.aggregates import AGGREGATES, Aggregate
from vpl.catalog.availability import AVAILABLE
from vpl.catalog.builtins import BUILTINS, Builtin
from vpl.catalog.connectors import (
    CONNECTOR_KINDS,
    CONTEXT_PARAMS,
    OPTIONAL_PACKAGES,
    SOURCE_PARAMS,
    TIME_UNITS,
    ConnectorKind,
    OptionalPackage,
    ParamKind,
)
from vpl.catalog.operations import MAX_BATCH, OPERATIONS, OperationSpec, Parameter

__all__ = [
    "AGGREGATES",
    "AVAILABLE",
    "BUILTINS",
    "CONNECTOR_KINDS",
    "CONTEXT_PARAMS",
    "MAX_BATCH",
    "OPERATIONS",
    "OPTIONAL_PACKAGES",
    "SOURCE_PARAMS",
    "TIME_UNITS",
    "Aggregate",
    "Builtin",
    "ConnectorKind",
    "OperationSpec",
    "OptionalPackage",
    "ParamKind",
    "Parameter",
]
