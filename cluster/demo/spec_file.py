"""Group specs in files: JSON or YAML, with sources inline or in files beside them."""

import json
from pathlib import Path
from typing import Any

import yaml

from cluster.demo.errors import UsageError


def load_spec(path: Path) -> dict[str, Any]:
    """Return the group spec of a file, every `source_file` replaced by its text.

    Paths are relative to the spec. Raises UsageError if something cannot be read.
    """
    spec = _parsed(path)
    if not isinstance(spec, dict):
        raise UsageError(
            f"{path} holds no group: a mapping with name, pipelines, routes"
        )
    pipelines = spec.get("pipelines")
    if isinstance(pipelines, list):
        spec["pipelines"] = [_with_source(each, path.parent) for each in pipelines]
    return spec


def load_events(path: Path) -> list[dict[str, Any]]:
    """Return the events of an NDJSON file; raises UsageError."""
    try:
        return [json.loads(line) for line in _read(path).splitlines() if line.strip()]
    except ValueError as exc:
        raise UsageError(f"{path} is not one JSON object per line: {exc}") from exc


def _parsed(path: Path) -> Any:
    text = _read(path)
    try:
        if path.suffix == ".json":
            return json.loads(text)
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as exc:
        raise UsageError(f"{path} cannot be parsed: {exc}") from exc


def _with_source(pipeline: Any, folder: Path) -> Any:
    if not isinstance(pipeline, dict) or "source_file" not in pipeline:
        return pipeline
    rest = {key: value for key, value in pipeline.items() if key != "source_file"}
    return {**rest, "source": _read(folder / str(pipeline["source_file"]))}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read {path}: {exc}") from exc
