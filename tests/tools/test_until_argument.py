"""The argument `until` of a tool, as a model gives it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from akash_mcp.tools.arguments import UntilArg
from akash_mcp.workflow.jobs.until import Until

ARGUMENT: TypeAdapter[Until] = TypeAdapter(UntilArg)


def test_it_is_a_plain_string_whose_description_is_the_manual() -> None:
    schema = ARGUMENT.json_schema()
    assert schema.pop("type") == "string"
    assert "log:SERVICE:TEXT" in schema.pop("description")
    assert schema == {}
    assert ARGUMENT.validate_python("log:train:epoch 10/10") == Until("train", "epoch 10/10")


@pytest.mark.parametrize("wrong", ["when it is done", 7, None, {"log": "x"}])
def test_a_wrong_one_is_refused_with_how_to_write_it(wrong: object) -> None:
    with pytest.raises(ValidationError, match="Write log:SERVICE:TEXT"):
        ARGUMENT.validate_python(wrong)
