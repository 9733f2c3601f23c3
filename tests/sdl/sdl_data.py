"""What the tests of the SDL share: one good SDL, and what `check` says of changes to it."""

from __future__ import annotations

from akash_mcp.sdl import Finding, Report, check

BASE = """\
version: "2.0"
services:
  web:
    image: nginx:1.27.0
    expose:
      - port: 80
        as: 80
        to:
          - global: true
profiles:
  compute:
    web:
      resources:
        cpu:
          units: 0.5
        memory:
          size: 512Mi
        storage:
          size: 1Gi
  placement:
    dc:
      pricing:
        web:
          denom: uact
          amount: 1000
deployment:
  web:
    dc:
      profile: web
      count: 1
"""


def changed(*changes: tuple[str, str]) -> Report:
    """What `check` says of the good SDL after each old text gave way to a new one."""
    source = BASE
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new, 1)
    return check(source)


def only(report: Report) -> Finding:
    """The one error of a report."""
    (finding,) = report.errors
    return finding
