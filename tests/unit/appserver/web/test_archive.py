"""An export as one file."""

import io
import zipfile

from appserver.web.archive import packed


def test_the_same_files_are_the_same_bytes_for_their_owner_alone():
    """Whatever the order and the hour; secrets unpack readable by nobody else."""
    made = packed("shop", {"secrets/key": "hunter", "compose.yaml": "name: shop\n"})
    assert made == packed("shop", {"compose.yaml": "name: shop\n", "secrets/key": "hunter"})
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        found = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
    assert found == {"shop/compose.yaml": 0o600, "shop/secrets/key": 0o600}
