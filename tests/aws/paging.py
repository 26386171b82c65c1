"""Knows how a list is cut into pages whose tokens are good for that list alone."""

from __future__ import annotations

import base64
import binascii
from typing import Any


class WrongToken(Exception):
    """The token was not given out for this list."""


def page(
    items: list[Any], token: str | None, limit: int | None, size: int, list_name: str
) -> tuple[list[Any], str | None]:
    """One page of at most `size` items (fewer when the caller asks for fewer) and the token of the next one."""
    start = _start(token, list_name) if token else 0
    end = start + min(limit or size, size)
    following = _token(end, list_name) if end < len(items) else None
    return items[start:end], following


def _token(start: int, list_name: str) -> str:
    return base64.urlsafe_b64encode(f"{start}|{list_name}".encode()).decode()


def _start(token: str, list_name: str) -> int:
    try:
        start, _, name = base64.urlsafe_b64decode(token).decode().partition("|")
        if name == list_name:
            return int(start)
    except (binascii.Error, ValueError):
        pass
    raise WrongToken(token)
