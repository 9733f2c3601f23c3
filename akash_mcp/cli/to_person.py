"""Errors and findings advise a model what to have the user do. On the command line the user reads them: nobody asks
themselves."""

from __future__ import annotations

import re

_ASKED = re.compile(r"(?:Ask|Tell) the user to (\w)")
_GOES_ON = re.compile(r"(,| and| \(?or| and then) to (?=\w)")
"""How what is asked for goes on: `Ask the user to create one, to set it and to restart the server.`"""

_IN_THE_TOOL = re.compile(r" \((?:convert_compose(?:: [a-z_]+)?|validate_sdl)\)")
"""The tool or its argument, named behind the command or its flag."""

_WORDS = (
    ("Ask the user whose key it is, and to", "Find out whose key it is, and"),
    (
        "Ask the user for a token of a member who may, and whether",
        "Use a token of a member who may, and see whether",
    ),
    ("Ask the user for", "Use"),
    ("from their Akua workspace", "from your Akua workspace"),
    (", or for another key", ", or use another key"),
    ("Tell the user. ", ""),
    ("the user adds", "you add"),
    ("The user sees", "You see"),
    ("the user's", "your"),
    ("The user's", "Your"),
    ("The user can", "You can"),
    ("the user can", "you can"),
    ("unlock their", "unlock your"),
    ("Unlock their", "Unlock your"),
    ("their own", "your own"),
    ("by doing it themselves", "by doing it yourself"),
    ("have the user put that right", "put that right"),
    ("let the user run: ", "run: "),
    ("once the user ran: ", "once you ran: "),
    ("ask the user, and write", "write"),
    (", then call again", ""),
    ("restart this server", "restart servers that run"),
    ("this server has to be restarted", "restart servers that run"),
)


def to_person(advice: str) -> str:
    """The same advice, said to the user."""
    said = _ASKED.sub(lambda found: found[1].upper(), advice)
    if said != advice:
        said = _GOES_ON.sub(r"\1 ", said)
    for model, person in _WORDS:
        said = said.replace(model, person)
    return _IN_THE_TOOL.sub("", said)
