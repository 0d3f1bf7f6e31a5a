"""Why a TLS connection failed, in words."""

from __future__ import annotations

import ssl

__all__ = ["tls_problem"]

# codes of X509_verify_cert_error_string(3)
_WORDS = {
    9: "its certificate is not valid yet; is the clock of this machine right?",
    10: "its certificate has expired",
    18: "its certificate is signed by itself and nobody vouches for it",
    19: "its certificate comes from an authority that this machine does not know",
    20: "its certificate comes from an authority that this machine does not know",
    21: "its certificate cannot be checked: the chain is incomplete",
    23: "its certificate was revoked",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}


def tls_problem(error: BaseException | None) -> str:
    """A sentence about the TLS failure behind an exception; empty when there is none."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return _WORDS.get(error.verify_code, f"its certificate is not accepted: {error.verify_message}")
        if isinstance(error, ssl.SSLError):
            if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST"}:
                return "it does not speak TLS there; is it http:// rather than https://?"
            return f"TLS failed: {error.reason or error}"
        error = error.__cause__ or error.__context__
    return ""
