"""How the client tells a refusal."""

import json

import requests

from cluster.demo.client import _refusal


def answer(status: int, body: str) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.reason = "Reason"
    made._content = body.encode()
    return made


def test_it_tells_the_error_and_every_finding() -> None:
    body = {
        "error": "the program of 'p' is not valid",
        "code": "invalid_vpl",
        "details": {
            "diagnostics": [
                {
                    "pipeline": "p",
                    "line": 2,
                    "column": 5,
                    "message": "unknown 'x'",
                    "hint": "'y'?",
                }
            ],
            "errors": [{"path": "routes[0]", "message": "unknown pipeline"}],
        },
    }
    refusal = _refusal("POST", "/groups", answer(400, json.dumps(body)))
    assert (refusal.status, refusal.code) == (400, "invalid_vpl")
    assert str(refusal).splitlines() == [
        "POST /groups answered 400: the program of 'p' is not valid",
        "  p:2:5: unknown 'x' ('y'?)",
        "  routes[0]: unknown pipeline",
    ]


def test_it_survives_an_answer_of_another_shape() -> None:
    for body in ("<html>", "[1]", "{}"):
        refusal = _refusal("GET", "/x", answer(502, body))
        assert str(refusal) == "GET /x answered 502: Reason"
