"""A directory of texts as one file to take home."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from flask import Response


def answer(folder: str, files: Mapping[str, str]) -> Response:
    """To be saved as `<folder>.zip`."""
    headers = {"Content-Disposition": f'attachment; filename="{folder}.zip"'}
    return Response(packed(folder, files), mimetype="application/zip", headers=headers)


def packed(folder: str, files: Mapping[str, str]) -> bytes:
    """A zip of the files below `folder`, for their owner alone. The same files give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(f"{folder}/{path}")
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100600 << 16
            archive.writestr(entry, files[path])
    return made.getvalue()
