"""Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`, with the status its clients expect."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from app.errors import AppError
from app.server.statuses import status_of

_CODES = {
    "access_refused": "access_refused",
    "method_not_allowed": "method_not_allowed",
    "model_not_found": "model_not_found",
    "no_model": "model_not_found",
    "not_json": "unsupported_media_type",
    "prompt_too_long": "context_length_exceeded",
    "request_too_large": "request_too_large",
    "route_not_found": "unknown_url",
    "unauthorized": "invalid_api_key",
}
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
_PERMANENT = frozenset({"engine_missing", "model_too_large", "no_model"})
"""Faults that a second try cannot mend; the official clients obey the header `x-should-retry`."""
_RETRY_AFTER_S = "2"


class Fault(msgspec.Struct, kw_only=True, omit_defaults=True):
    message: str
    type: str
    param: str | None
    code: str | None
    n_ctx: int | None = None
    n_prompt_tokens: int | None = None


class FaultBody(msgspec.Struct):
    error: Fault


class BadParam(AppError):
    """A field of the request that cannot be served. Raised with the name of the field."""

    def __init__(self, param: str, reason: str) -> None:
        self.param = param
        super().__init__("bad_request", reason=reason)


def body_of(error: AppError) -> bytes:
    """The error as JSON."""
    status = status_of(error)
    default = "server_error" if status >= 500 else "invalid_request_error"
    fault = Fault(
        message=_sentence(error),
        type=_TYPES.get(status, default),
        param=_param_of(error),
        code=_CODES.get(error.code) if status < 500 else error.code,
    )
    if error.code == "prompt_too_long":
        fault.n_ctx, fault.n_prompt_tokens = int(error.values["context_length"]), int(error.values["prompt_tokens"])
    return msgspec.json.encode(FaultBody(fault))


def response_of(error: AppError, headers: Mapping[str, str] | None = None) -> Response:
    """The error with its status; what may work later says when to try again."""
    status = status_of(error)
    extra = dict(headers or {})
    if status == 401:
        extra["www-authenticate"] = "Bearer"
    if error.code in _PERMANENT:
        extra["x-should-retry"] = "false"
    elif status == 503:
        extra["retry-after"] = _RETRY_AFTER_S
    return Response(body_of(error), status, extra, "application/json")


def _param_of(error: AppError) -> str | None:
    if isinstance(error, BadParam):
        return error.param or None
    return "model" if error.code == "model_not_found" else None


def _sentence(error: AppError) -> str:
    if error.code == "prompt_too_long":
        return (
            f"This model's maximum context length is {error.values['context_length']} tokens. "
            f"However, your messages resulted in {error.values['prompt_tokens']} tokens."
        )
    if error.code == "internal":
        return "Something went wrong inside Alcove."
    return error.message
