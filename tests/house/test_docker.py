"""The image and the compose file: read as what they are, and by the docker client where there is one with compose."""

import fnmatch
import re
import shutil
import subprocess
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from tests.house.sources import ROOMS, ROOT, files, text

COMPOSE = ROOT / "docker" / "compose.yaml"
DOCKERFILE = PurePosixPath("docker/Dockerfile")
ONE_SHOT = {"secrets", "migrate"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return content


def test_the_services_are_there(compose: dict[str, Any]):
    assert set(compose["services"]) == {"secrets", "postgres", "valkey", "migrate", "api", "worker", "scheduler", "sandbox"}
    assert compose["services"]["sandbox"]["profiles"] == ["sandbox"]
    assert [name for name, service in compose["services"].items() if "profiles" in service] == ["sandbox"]


def test_what_runs_is_checked_and_what_depends_waits_for_it(compose: dict[str, Any]):
    services = compose["services"]
    assert {name for name, service in services.items() if "healthcheck" not in service} == ONE_SHOT
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how == {"condition": wanted}, f"{name} depends on {other}"


def test_our_services_hold_no_rights_they_do_not_need(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        if service["image"].startswith("kessai:"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name


def test_ports_are_open_to_this_machine_only(compose: dict[str, Any]):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_volumes_are_declared(compose: dict[str, Any]):
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}
    assert used == set(compose["volumes"])


def test_no_image_is_taken_as_it_comes(compose: dict[str, Any]):
    images = {service["image"] for service in compose["services"].values()} | set(
        re.findall(r"^FROM (\S+)", text(DOCKERFILE), re.MULTILINE)
    )
    assert not [image for image in images if ":" not in image or image.endswith(":latest")]


def test_docker_understands_it():
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("no docker client with compose here")
    done = subprocess.run(
        [docker, "compose", "-f", str(COMPOSE), "--profile", "sandbox", "config", "--quiet"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_image_is_pinned_and_not_root():
    dockerfile = text(DOCKERFILE)
    assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE)[-1] == "10001:10001"
    assert "--require-hashes -r requirements/runtime.txt" in dockerfile
    assert "--no-deps --no-build-isolation --no-index" in dockerfile


def test_everything_the_image_copies_is_there_and_let_in():
    copied = [source for line in re.findall(r"^COPY (?!--from)(.+)$", text(DOCKERFILE), re.MULTILINE) for source in line.split()[:-1]]
    let_in = {line[1:] for line in text(PurePosixPath("docker/Dockerfile.dockerignore")).splitlines() if line.startswith("!")}
    assert set(copied) == let_in
    assert set(ROOMS) <= let_in
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_data_files_travel_with_their_packages():
    """Setuptools takes along what a pattern of the package names, seen from the nearest folder that is a package."""
    patterns = tomllib.loads(text(PurePosixPath("pyproject.toml")))["tool"]["setuptools"]["package-data"]
    data = [path for path in files() if path.parts[0] in ROOMS and path.suffix not in {".py", ".md"}]
    assert data
    left_behind = []
    for path in data:
        package = next(folder for folder in path.parents if (ROOT / folder / "__init__.py").exists())
        named = [*patterns["*"], *patterns.get(".".join(package.parts), [])]
        if not any(fnmatch.fnmatch(str(path.relative_to(package)), pattern) for pattern in named):
            left_behind.append(str(path))
    assert not left_behind, "name them under [tool.setuptools.package-data]"
