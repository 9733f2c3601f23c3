"""Idempotency keys: what was asked under a key is done once, and answered again as often as it is asked again."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused


class Replays:
    """Answers by workspace, operation and key. `count`: how often each key was used again."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, str], tuple[str, Answer]] = {}
        self.count: Counter[str] = Counter()

    def recall(self, endpoint: Endpoint, call: Call) -> Answer | None:
        """The answer to the same request before. Raises `Refused` (409) where the key was another request's."""
        if call.key is None or endpoint.key == "none":
            return None
        kept = self._answers.get((call.workspace.id, endpoint.name, call.key))
        if kept is None:
            return None
        if kept[0] != _fingerprint(call):
            raise Refused(409, "The Idempotency-Key was used for another request.")
        self.count[call.key] += 1
        return kept[1]

    def keep(self, endpoint: Endpoint, call: Call, answer: Answer) -> None:
        """Remember what was done."""
        if call.key is not None and endpoint.key != "none":
            where = (call.workspace.id, endpoint.name, call.key)
            self._answers[where] = (_fingerprint(call), answer)


def _fingerprint(call: Call) -> str:
    asked = json.dumps([dict(call.path), call.body], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()
