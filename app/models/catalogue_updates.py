"""Brings a newer catalogue from the address in the settings; what is broken or not newer changes nothing.

Importing this module loads an HTTP client, which takes a twentieth of a second: it is imported where it is needed.
"""

import asyncio
import ipaddress
from pathlib import Path

import httpx

from app.errors import AppError
from app.files import write_atomically
from app.models.catalogue import MOST_BYTES, load_catalogue, read_catalogue, state_of
from app.models.offline import is_offline
from app.protocol import CatalogueState

_TIMEOUT_S = 20.0
_MOST_REDIRECTS = 4


async def update_catalogue(address: str, cached: Path) -> CatalogueState:
    """Fetch, check and keep the catalogue of that address, if it is newer than the one here.

    Raises AppError: "catalogue_offline", "catalogue_no_address", "catalogue_address_refused",
    "catalogue_unreachable", "catalogue_broken", or for a full or read-only disk.
    """
    if is_offline():
        raise AppError("catalogue_offline")
    if not address.strip():
        raise AppError("catalogue_no_address")
    content = await _fetch(address.strip())
    newer = await asyncio.to_thread(read_catalogue, content)
    present = await asyncio.to_thread(load_catalogue, cached)
    if newer.number <= present.number:
        return state_of(present)
    await asyncio.to_thread(write_atomically, cached, content)
    return state_of(newer, updated=True)


async def _fetch(address: str) -> bytes:
    """The bytes at that address, through the proxies of the environment."""
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            for _ in range(_MOST_REDIRECTS):
                url = _allowed(address)
                async with asyncio.timeout(_TIMEOUT_S * 3), client.stream("GET", url) as response:
                    if not response.has_redirect_location:
                        response.raise_for_status()
                        return await _limited(response)
                    address = str(url.join(response.headers["location"]))
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        raise AppError("catalogue_unreachable", address=address, reason=str(error) or type(error).__name__) from error
    raise AppError("catalogue_unreachable", address=address, reason="it leads from one address to the next")


async def _limited(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MOST_BYTES:
            raise AppError("catalogue_broken", reason=f"more than {MOST_BYTES} bytes")
    return bytes(content)


def _allowed(address: str) -> httpx.URL:
    """The address, if nobody on the way can change what comes from it: HTTPS, or this computer itself."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise AppError("catalogue_address_refused", address=address[:200]) from error
    if url.host and (url.scheme == "https" or (url.scheme == "http" and _is_here(url.host))):
        return url
    raise AppError("catalogue_address_refused", address=address[:200])


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
