"""GET /metrics: open to this machine, else for whoever may look (api.md section 2)."""

from cluster import conf
from cluster.access import Role
from cluster.conf import is_loopback_host
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.caller import presented_key, require, role_of_caller
from cluster.hot.database_thread import DatabaseThread
from cluster.hot.request import HotRequest
from cluster.metrics.exposition import EXPOSITION_TYPE, exposition

FORWARDING_HEADERS = (b"forwarded", b"x-forwarded-for")


class MetricsPage:
    """Answers in Prometheus' text form."""

    def __init__(self, database: DatabaseThread) -> None:
        """Keep where the rows are read."""
        self._database = database

    async def answer(self, request: HotRequest) -> Answer:
        """Return all series; raises 401 and 403 for callers from elsewhere."""
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowedError("GET, HEAD", request.method)
        if presented_key(request) or not _is_open_to(request):
            require(await role_of_caller(request), Role.VIEWER)
        text = await self._database.run(exposition)
        return Answer(200, text, content_type=EXPOSITION_TYPE.encode())


def _is_open_to(request: HotRequest) -> bool:
    if conf.current().metrics_public:
        return True
    host, _ = request.scope.get("client") or ("", 0)
    passed_on = any(name in request.headers for name in FORWARDING_HEADERS)
    return bool(host) and is_loopback_host(host) and not passed_on
