"""L3: hosted endpoints. One file a wire protocol; `transport` owns connection, retry and trust."""

from __future__ import annotations

from gate.endpoint_rule import ProtocolName
from gate.endpoints import anthropic, bedrock, gemini, openai_chat, openai_responses
from gate.endpoints.wire import WireProtocol

PROTOCOLS: dict[ProtocolName, WireProtocol] = {
    "openai-chat": openai_chat,
    "openai-responses": openai_responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "bedrock": bedrock,
}
