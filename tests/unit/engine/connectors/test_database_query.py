"""The one parameter of a look-up's query."""

import pytest

from engine.connectors.database_query import QueryError, with_parameter


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("SELECT a FROM t WHERE k = ?", "SELECT a FROM t WHERE k = $1"),
        ("SELECT a FROM t WHERE k = :key", "SELECT a FROM t WHERE k = $1"),
        ("SELECT a FROM t WHERE k = $1", "SELECT a FROM t WHERE k = $1"),
        ("SELECT '?' FROM t WHERE k = ?", "SELECT '?' FROM t WHERE k = $1"),
        ('SELECT "?" FROM t WHERE k=? -- ?', 'SELECT "?" FROM t WHERE k=$1 -- ?'),
        ("SELECT 'it''s ?' /* ? */, ?", "SELECT 'it''s ?' /* ? */, $1"),
        ("SELECT k::key FROM t WHERE k = :key", "SELECT k::key FROM t WHERE k = $1"),
        ("SELECT ? || ?", "SELECT $1 || $1"),
        ("SELECT doc ?| x, :key", "SELECT doc ?| x, $1"),
    ],
)
def test_the_parameter_is_found_outside_texts_and_comments(query, written):
    assert with_parameter(query, "$1") == written


@pytest.mark.parametrize("query", ["", "SELECT 1", "SELECT '?'", "SELECT $2, :keys"])
def test_a_query_without_parameter_is_refused(query):
    with pytest.raises(QueryError, match="one parameter"):
        with_parameter(query, "?1")
