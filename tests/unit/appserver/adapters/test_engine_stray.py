"""Files of a project that somebody else started: its own, and no others of the host."""

from pathlib import Path

from appserver.adapters.engine_stray import stray_projects
from appserver.core.containers import ContainerState


def test_a_link_out_of_a_project_is_not_followed(tmp_path: Path):
    """The agent reads as root; whoever owns the directory may not, and would be shown what they link to."""
    host, project = tmp_path / "shadow", tmp_path / "shop"
    host.write_text("root:secret")
    (project / "conf").mkdir(parents=True)
    (project / "compose.yaml").write_text("services: {web: {image: x, volumes: ['./conf/a:/a', './conf/b:/b']}}\n")
    (project / "conf" / "a").write_text("A")
    (project / "conf" / "b").symlink_to("a")
    (project / ".env").symlink_to(host)
    labels = {
        "com.docker.compose.project.working_dir": str(project),
        "com.docker.compose.project.config_files": str(project / "compose.yaml"),
    }
    (found,) = stray_projects(
        [ContainerState("1", "shop-web-1", "shop", "web", "running", "x", "y", "h", labels=labels)]
    )
    assert set(found.files) == {"compose.yaml", "conf/a"}
