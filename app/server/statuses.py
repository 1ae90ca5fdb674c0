"""The HTTP status of each error code, and an error as a response of the private API."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from app.errors import AppError

_STATUS = {
    "bad_format": 400,
    "bad_request": 400,
    "catalogue_address_refused": 400,
    "catalogue_no_address": 400,
    "catalogue_offline": 403,
    "key_required": 400,
    "machine_not_understood": 400,
    "model_cannot_see": 400,
    "port_not_allowed": 400,
    "prompt_too_long": 400,
    "template_failed": 400,
    "unauthorized": 401,
    "access_refused": 403,
    "conversation_not_found": 404,
    "image_not_found": 404,
    "message_not_found": 404,
    "model_not_found": 404,
    "route_not_found": 404,
    "method_not_allowed": 405,
    "busy": 409,
    "load_cancelled": 409,
    "measuring_busy": 409,
    "measuring_cancelled": 409,
    "port_in_use": 409,
    "port_open": 409,
    "request_too_large": 413,
    "image_unsupported": 415,
    "not_json": 415,
    "catalogue_broken": 422,
    "model_broken": 422,
    "backend_gone": 503,
    "catalogue_unreachable": 503,
    "database_unavailable": 503,
    "engine_missing": 503,
    "model_load_failed": 503,
    "model_too_large": 503,
    "no_model": 503,
    "worker_died": 503,
    "worker_hung": 503,
    "disk_full": 507,
    "folder_read_only": 507,
    "hub_unreachable": 503,
    "offline": 503,
    "quantization_not_found": 404,
    "repo_gated": 403,
    "repo_not_found": 404,
}


def status_of(error: AppError) -> int:
    """The status that fits an error; 500 for codes that no request can cause."""
    return _STATUS.get(error.code, 500)


def error_response(error: AppError, headers: Mapping[str, str] | None = None) -> Response:
    """The error as `ErrorInfo` JSON."""
    return Response(msgspec.json.encode(error.info), status_of(error), headers, "application/json")
