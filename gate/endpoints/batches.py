"""L3: the protocols that have batches. Apart from the registry of protocols, so that a live run does not wait for
them."""

from __future__ import annotations

from gate.endpoint_rule import ProtocolName
from gate.endpoints import batch_anthropic, batch_openai
from gate.endpoints.batch_wire import BatchProtocol

BATCHES: dict[ProtocolName, BatchProtocol] = {
    "openai-chat": batch_openai,
    "openai-responses": batch_openai,
    "anthropic": batch_anthropic,
}
"""Protocols that are not here have no batches: their questions are asked live."""
