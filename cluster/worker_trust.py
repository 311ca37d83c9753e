"""By which certificates workers are believed to be who they say."""

import ssl
from functools import lru_cache

from cluster import conf


def trust_context() -> ssl.SSLContext:
    """Return the trust of this machine and of VARPULIS_TLS_CA_CERT.

    Raises OSError if that file cannot be read or holds no certificate.
    """
    return _context(conf.current().tls_ca_cert)


@lru_cache(maxsize=4)
def _context(ca_cert: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_cert:
        context.load_verify_locations(cafile=ca_cert)
    return context


def distrust(
    worker_id: str, address: str | None, error: ssl.SSLCertVerificationError
) -> str:
    """Return the sentence for a worker whose certificate is not believed."""
    return (
        f"worker '{worker_id}' at {address} shows a certificate that is not trusted"
        f" ({error.verify_message}); --tls-ca-cert of the coordinator names whom to"
        " trust"
    )
