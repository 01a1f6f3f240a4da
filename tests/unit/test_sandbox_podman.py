"""Podman through Docker's API, and engines that cannot limit memory: what differs, and is used."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.boxes import image
from sandbox.boxes.docker import Containers
from sandbox.boxes.owners import this_process
from sandbox.boxes.processes import user_for
from sandbox.execution import Limits

DOCKER = {"name": "Engine", "limits": True, "cpus": 2}
PODMAN = {**DOCKER, "name": "Podman Engine"}
UNLIMITED = {**DOCKER, "limits": False}


def containers(engine: dict[str, Any]) -> Containers:
    made = Containers(Limits(), this_process("test"))
    made.engine = engine
    return made


def test_only_docker_is_asked_to_count_files_and_only_podman_to_count_processes_by_user() -> None:
    docker, podman = (containers(engine)._options(1) for engine in (DOCKER, PODMAN))
    assert "nr_inodes=4096" in docker["tmpfs"]["/tmp"]
    assert "nr_inodes" not in podman["tmpfs"]["/tmp"]
    assert list(docker["tmpfs"]) == ["/tmp"]
    assert all(podman["tmpfs"][place].startswith("ro,") for place in ("/run", "/var/tmp"))
    assert [limit["Name"] for limit in docker["ulimits"]] == ["core", "nofile"]
    assert [limit["Name"] for limit in podman["ulimits"]] == ["core", "nofile", "nproc"]


def test_where_the_engine_cannot_limit_a_box_the_fork_server_does_and_that_is_told() -> None:
    limited, unlimited = containers(DOCKER), containers(UNLIMITED)
    assert '"cgroup": true' in limited._options(1)["command"][0]
    assert '"cgroup": false' in unlimited._options(1)["command"][0]
    users = [json.loads(c._options(1)["command"][0])["user"] for c in (limited, unlimited)]
    assert users == [20_001, user_for(1)]
    told = set(unlimited.describe()["not_covered"]) - set(limited.describe()["not_covered"])
    assert any("no cgroup limits them" in line for line in told)


class Client:
    """An engine with images, which like Podman finds none by two labels."""

    def __init__(self, *images: Any) -> None:
        self.images = SimpleNamespace(list=self._list)
        self._images = list(images)

    def _list(self, filters: dict[str, Any]) -> list[Any]:
        label = filters["label"]
        assert isinstance(label, str)
        name, _, value = label.partition("=")
        return [one for one in self._images if one.labels.get(name) == value]


def built(tag: str, *, base: str = "b", created: str = "2026") -> Any:
    labels = {
        image.CONTENT_LABEL: image.content_hash(),
        image.BASE_LABEL: base,
        image.BASE_ID_LABEL: "id",
    }
    return SimpleNamespace(tags=[tag], labels=labels, attrs={"Created": created})


@pytest.mark.parametrize("registry", ["", "docker.io/library/", "localhost/", "localhost:5000/"])
def test_an_image_is_found_whatever_registry_stands_before_its_name(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOLVER_BASE_IMAGE", "b")
    ours = built(registry + image._tag("id"))
    others = [built(f"{registry}derived:1"), built(registry + image._tag("id"), base="c")]
    assert image.find_image(Client(*others, ours)) is ours  # type: ignore[arg-type]
    assert image.find_image(Client(*others)) is None  # type: ignore[arg-type]


def test_a_name_that_only_ends_like_ours_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOLVER_BASE_IMAGE", raising=False)
    assert image.find_image(Client(built(f"not-{image._tag('id')}"))) is None  # type: ignore[arg-type]
