"""Volumes and tmpfs, in Compose's and Haven's forms."""

import pytest

from image_config.mounts import short, show_volume
from tests.unit.image_config.say import compose, faults, form, git, service


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("/data", {"type": "volume", "target": "/data"}),
        ("/data:ro", {"type": "volume", "target": "/data", "read_only": True}),
        ("db:/data", {"type": "volume", "source": "db", "target": "/data"}),
        ("db:/data:nocopy", {"type": "volume", "source": "db", "target": "/data", "volume": {"nocopy": True}}),
        ("/s:/d", {"type": "bind", "source": "/s", "target": "/d", "bind": {"create_host_path": True}}),
        (
            "/s:/d:ro,z,rshared",
            {
                "type": "bind",
                "source": "/s",
                "target": "/d",
                "read_only": True,
                "bind": {"create_host_path": True, "selinux": "z", "propagation": "rshared"},
            },
        ),
        ("/s:/d:rw,cached", {"type": "bind", "source": "/s", "target": "/d", "bind": {"create_host_path": True}}),
        ("db:/d:Z", {"type": "volume", "source": "db", "target": "/d"}),
    ],
)
def test_short_form(text, mount):
    """Names, host directories and options."""
    assert short(text) == mount


@pytest.mark.parametrize(
    "text", ["", ":", "a:b", "a", "/a:/b:/c:ro", "/a:/b:what", "a/b:/c", "/a::ro", "db:/d:rshared"]
)
def test_what_is_no_volume_is_refused(text):
    """A relative target, an unknown option, too many parts."""
    with pytest.raises(ValueError, match=r"volume|option|source"):
        short(text)


def test_a_bind_must_name_a_place_on_the_host():
    """`./x` and `~` would depend on where Compose happens to run; in the compose file Compose has settled that."""
    assert "relative to some directory" in faults("volumes: ['./x:/y']")[0]
    assert "relative to some directory" in faults("volumes: ['~/x:/y']")[0]
    assert "relative to some directory" in faults("volumes: [{type: bind, source: x, target: /y}]")[0]
    assert service(compose(volumes=[{"type": "bind", "source": "./x", "target": "/y"}]))["volumes"]


def test_long_form_comes_out_again():
    """Sizes in text, modes in numbers, as Compose prints them."""
    mount = {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "10485760", "mode": 1023}}
    assert service(form(volumes=[mount]))["volumes"] == [mount]
    assert service(git("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 10m, mode: 01777}}]"))["volumes"] == [mount]


def test_haven_mounts():
    """Haven's flat fields go to their place; its volume drivers are Compose's to declare."""
    text = "mounts:\n- {type: bind, source: /s, target: /d, readonly: true, propagation: rshared}\n"
    text += "- {type: volume, source: v, target: /v, noCopy: true}\n- {type: tmpfs, target: /t, size: 1m, mode: 0700}\n"
    assert service(git(text))["volumes"] == [
        {"type": "bind", "source": "/s", "target": "/d", "read_only": True, "bind": {"propagation": "rshared"}},
        {"type": "volume", "source": "v", "target": "/v", "volume": {"nocopy": True}},
        {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1048576", "mode": 448}},
    ]
    assert "declare the volume with its driver" in faults("mounts: [{type: volume, target: /v, driver: nfs}]")[0]


def test_the_stronger_wins_by_target():
    """One path in the container, one mount; a slash at the end makes no other path."""
    weak = git("volumeBinds: ['/a:/data:ro', 'keep:/keep']")
    assert [show_volume(v) for v in service(weak, form(volumes=["/b:/data/"]))["volumes"]] == [  # type: ignore[attr-defined]
        "/b:/data/",
        "keep:/keep",
    ]


def test_two_mounts_of_one_file_on_one_target_are_refused():
    """Haven let the first one win in silence."""
    assert faults("volumeBinds: ['/a:/d']\nmounts: [{type: volume, target: /d}]") == [
        "web.yml:2: mounts/0: gives volumes//d a second time; it is given already on line 1"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("volumes: [{source: x}]", "has no target"),
        ("volumes: [{target: x}]", "not an absolute path"),
        ("volumes: [{type: bnd, target: /x}]", '"bnd" is not one of bind'),
        ("volumes: [{target: /x, readonly: true}]", "volumes/0/readonly: unknown key; did you mean read_only?"),
        ("volumes: {a: b}", "takes a list"),
    ],
)
def test_faults(text, why):
    """The long form is checked field by field."""
    assert why in faults(text)[0]


def test_tmpfs_by_path():
    """Options of one path are replaced as a whole; commas within options do not cut a line of properties."""
    weak = git("tmpfs=/run:size=1m,mode=755,/tmp\n", "web.properties")
    assert service(weak)["tmpfs"] == ["/run:size=1m,mode=755", "/tmp"]
    assert service(weak, form(tmpfs="/run"))["tmpfs"] == ["/run", "/tmp"]
    assert "absolute" in faults("tmpfs: run")[0]
