"""Parts that several answers share."""

from typing import Any

from rest_framework import serializers

from cluster.api.fields import CountField, FlagField, ObjectField, TextField

Serializer = serializers.Serializer[Any]


class ErrorSerializer(Serializer):
    """The one error shape (api.md section 3)."""

    error = TextField(help_text="a sentence for people")
    code = TextField(help_text="a stable slug for programs")
    details = ObjectField(required=False)


class PaginationSerializer(Serializer):
    """Where a page of a list lies."""

    total = CountField()
    limit = CountField()
    offset = CountField()
    has_more = FlagField()


class DiagnosticSerializer(Serializer):
    """One finding of the VPL checker."""

    pipeline = TextField(required=False)
    severity = serializers.ChoiceField(choices=("error", "warning"))
    code = TextField()
    line = CountField(least=1)
    column = CountField(least=1)
    end_line = CountField(least=1)
    end_column = CountField(least=1)
    message = TextField()
    hint = TextField(required=False)


class ActionSerializer(Serializer):
    """Something a worker is asked to do."""

    action = TextField()
    pipeline_id = TextField()
    reason = TextField()
