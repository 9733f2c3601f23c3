"""Text in which nothing is hidden: no control sequence, no invisible character, no change of direction.

One pass is enough, and here is why. Every class below says what becomes of a character by itself: it goes, or it
turns into a newline, a space or U+FFFD, all of which are in no class. What is left therefore holds no character
of any class, whatever joined up when something between was removed: an escape sequence cannot form again without
ESC or a C1 control, and those are gone one by one after the sequences are. Only the height of a pile of combining
marks depends on neighbours; it is judged last, and taking marks off a pile puts no two other characters together.
We do not apply NFC or NFKC: that could make `<`, `:` or a key's letters out of look-alikes after they were looked
for, and a model reads the look-alikes anyway.
"""

from __future__ import annotations

import re


def visible(text: str) -> str:
    """`text` as a person would see it: printable characters, tabs and newlines.

    Terminal sequences, control, format and default-ignorable characters (ZWJ, variation selectors and tags among
    them) are dropped; every line end becomes `\\n` and every odd space a space; private-use characters, lone
    surrogates and noncharacters become U+FFFD, so that it shows that something was there. Of combining marks on one
    letter the first few stay: more would be drawn over the lines around.
    """
    if "\x1b" in text or (not text.isascii() and _C1.search(text)):
        text = _SEQUENCE.sub("", text)
    text = text.replace("\r\n", "\n")
    if text.isascii():
        return text.translate(_ASCII)
    if _ODD.search(text):
        text = _LINE_END.sub("\n", text)
        text = _REPLACED.sub("\ufffd", _SPACE.sub(" ", _DROPPED.sub("", text)))
    return _PILED.sub("", text)


# ECMA-48. A string (OSC, DCS, SOS, PM, APC) that never ends loses its introducer only: else one stray character
# would hide the rest of a log. Its content stops at any control, so no text is scanned twice.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x00-\x08\x0a-\x1f\x7f-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*+[0-~]"
)
_C1 = re.compile("[\x80-\x9f]")

_LINE_ENDS = "\r\v\f\x85\u2028\u2029"
_DROPPABLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # format, bidi
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f"  # format, by script
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # letters without a shape
    "\ufe00-\ufe0f\U000e0000-\U000e0fff"  # variation selectors; tags, which spell hidden ASCII
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
_REPLACEABLE = (
    "\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff\U0002fffe\U0002ffff"
    "\U0003fffe-\U000dffff\U000e1000-\U0010ffff"  # planes without a character, and private ones
)
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_HIGHEST_PILE = 4  # what the orthographies that pile up marks need
_PILED = re.compile(f"(?<=[{_MARKS}]{{{_HIGHEST_PILE}}})[{_MARKS}]+")
_ASCII = {code: "\n" if chr(code) in _LINE_ENDS else None for code in (*range(9), *range(11, 32), 127)}
_LINE_END, _DROPPED, _SPACE, _REPLACED, _ODD = (
    re.compile(f"[{characters}]")
    for characters in (
        _LINE_ENDS,
        _DROPPABLE,
        _SPACES,
        _REPLACEABLE,
        _LINE_ENDS + _DROPPABLE + _SPACES + _REPLACEABLE,
    )
)
