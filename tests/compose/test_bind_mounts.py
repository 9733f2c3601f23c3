"""Files and folders of the machine that runs Compose: none is carried, and what that means differs."""

from __future__ import annotations

import pytest
from conversion import convert


@pytest.mark.parametrize(
    "volume", ["./data:/var/lib/postgresql/data", "/srv/app:/app/uploads", "C:\\\\x:/data"]
)
def test_a_folder_that_is_written_to_is_said_to_lose_its_data(volume: str) -> None:
    (left,) = convert(f'services: {{web: {{image: "x:1", volumes: ["{volume}"]}}}}').left_out
    assert "what is written there is lost at a restart" in left.why
    assert "for data name a volume in its place" in left.fix


@pytest.mark.parametrize("volume", ["./site.conf:/etc/nginx/site.conf", "./conf:/etc/nginx/conf.d:ro"])
def test_what_is_only_read_belongs_into_the_image(volume: str) -> None:
    (left,) = convert(f'services: {{web: {{image: "x:1", volumes: ["{volume}"]}}}}').left_out
    assert left.fix == "build it into the image, or let the program fetch it at start"


def test_about_the_time_of_the_machine_there_is_nothing_to_do() -> None:
    (left,) = convert(
        'services: {web: {image: "x:1", volumes: ["/etc/localtime:/etc/localtime:ro"]}}'
    ).left_out
    assert (left.why, left.fix) == (
        "a provider's containers have UTC, and a variable TZ sets another zone",
        "",
    )
