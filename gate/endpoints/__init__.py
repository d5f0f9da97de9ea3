"""L3: hosted endpoints. One file a wire protocol; `transport` owns connection, retry and trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gate.domain import CallFailure, ChatRequest, Completion, Json
from gate.endpoints import openai_chat
from gate.policy import ProtocolName


class WireProtocol(Protocol):
    """How one kind of endpoint is asked and understood. Pure: no I/O."""

    @property
    def PATH(self) -> str: ...  # noqa: N802 - a module's constant

    def headers(self, key: str) -> Mapping[str, str]: ...

    def body(self, request: ChatRequest) -> Mapping[str, Json]: ...

    def parse(self, payload: Json) -> Completion | CallFailure: ...


PROTOCOLS: dict[ProtocolName, WireProtocol] = {"openai-chat": openai_chat}
