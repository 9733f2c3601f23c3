"""The arguments that several tools about Akua share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

InstallArg = Annotated[str, Field(description="inst_…", max_length=80)]
ClusterArg = Annotated[str, Field(description="clu_…", max_length=80)]
ValuesArg = Annotated[dict[str, Any] | None, Field(description="As akua_get_package_inputs says; no secrets")]
