"""How much of a command is played, so that one that never ends costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

MOST_STEPS = 40_000
"""Commands that one run plays in all."""
MOST_STEPS_AT_ONCE = 10_000
"""Commands that it plays while no simulated time passes."""
MOST_TEXT = 1_000_000
"""Characters of one word, one variable, or what a command substitution takes in."""

LOOKS_A_STEP = 1_000
"""Characters or names that are looked at in the time of one command."""


class Exhausted(Exception):
    """More than is played: what there is too much of."""


@dataclass
class Budget:
    """What is left of one run."""

    steps: int = MOST_STEPS
    at_once: int = MOST_STEPS_AT_ONCE

    def spend(self, steps: int = 1) -> None:
        """One step, or several. Raises `Exhausted`."""
        self.steps -= steps
        self.at_once -= steps
        if self.steps < 0:
            raise Exhausted(f"more than {MOST_STEPS:,} steps")
        if self.at_once < 0:
            raise Exhausted(f"more than {MOST_STEPS_AT_ONCE:,} steps in which no time passes")

    def work(self, looks: int) -> None:
        """What so many looks at a character or a name cost, beside the step that makes them. Raises `Exhausted`."""
        self.spend(looks // LOOKS_A_STEP)

    def rest(self) -> None:
        """Time passes."""
        self.at_once = MOST_STEPS_AT_ONCE
