"""Devices, secrets, configs, block device limits."""

from tests.unit.image_config.say import compose, faults, form, git, service


def test_devices_in_short_and_long_form():
    """Target and permissions have Compose's defaults; by target the stronger wins."""
    weak = git("devices: ['/dev/fuse', '/dev/a:/dev/b:r', 'vendor.com/gpu=all']")
    assert service(weak, form(devices=["/dev/c:/dev/b"]))["devices"] == [
        {"source": "/dev/fuse", "target": "/dev/fuse", "permissions": "rwm"},
        {"source": "/dev/c", "target": "/dev/b", "permissions": "rwm"},
        {"source": "vendor.com/gpu=all", "target": "vendor.com/gpu=all", "permissions": "rwm"},
    ]
    assert "is not a device" in faults("devices: ['a:b:c:d']")[0]
    assert "has no source" in faults("devices: [{target: /dev/x}]")[0]


def test_a_secret_is_known_by_where_it_appears():
    """`s1`, and `s1` at its usual place, are one; so are relative and whole targets."""
    theirs = compose(
        secrets=[{"source": "s1", "target": "/run/secrets/s1"}, {"source": "s2", "target": "t", "mode": 256}]
    )
    assert service(theirs, form(secrets=["s1", {"source": "s3", "target": "/run/secrets/t"}]))["secrets"] == [
        {"source": "s1"},
        {"source": "s3", "target": "/run/secrets/t"},
    ]


def test_configs_appear_at_the_root():
    """Compose prints `c2` without a target and `/c2` with it: one config."""
    ours = {"source": "c9", "target": "/c2"}
    assert service(compose(configs=[{"source": "c2"}]), form(configs=[ours])) == {"configs": [ours]}
    assert "has no source" in faults("configs: [{target: /c}]")[0]


def test_block_device_limits_by_device():
    """Compose's JSON prints Path and Rate with capitals, and its YAML does not."""
    theirs = compose(blkio_config={"weight": 300, "device_read_bps": [{"Path": "/dev/a", "Rate": "12582912"}]})
    ours = form(blkio_config={"device_read_bps": [{"path": "/dev/a", "rate": "1m"}, {"path": "/dev/b", "rate": 5}]})
    assert service(theirs, ours)["blkio_config"] == {
        "weight": 300,
        "device_read_bps": [{"path": "/dev/a", "rate": "1048576"}, {"path": "/dev/b", "rate": "5"}],
    }
    assert "has no path" in faults("blkio_config: {device_read_bps: [{rate: 1}]}")[0]
