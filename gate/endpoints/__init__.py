"""L3: hosted endpoints. One file a wire protocol; `transport` owns connection, retry and trust."""

from __future__ import annotations

from gate.endpoints import openai_chat
from gate.endpoints.wire import WireProtocol
from gate.policy import ProtocolName

PROTOCOLS: dict[ProtocolName, WireProtocol] = {"openai-chat": openai_chat}
