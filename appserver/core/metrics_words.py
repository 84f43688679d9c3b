"""Numbers that were measured, as people read them, on pages and in terminals alike. Pure."""

from __future__ import annotations

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def amount(number: float | None, unit: str) -> str:
    """`1.5`, `512 MiB`, `3.1 MiB/s`, `45 %`, `2 d 3 h`; "" where nothing is known."""
    if number is None:
        return ""
    if unit in ("bytes", "bytes/s"):
        return _size(number) + ("/s" if unit == "bytes/s" else "")
    if unit == "ratio":
        return f"{_short(number * 100)} %"
    if unit == "seconds":
        return _span(int(number))
    return _short(number) + ("/s" if unit == "1/s" else "")


def _short(number: float) -> str:
    """Three digits, or the whole part."""
    if abs(number) >= 100:
        return f"{number:.0f}"
    text = f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"
    return text.rstrip("0").rstrip(".")


def _size(number: float) -> str:
    sizes = list(_SIZES)
    while abs(number) >= 1024 and len(sizes) > 1:
        number /= 1024
        del sizes[0]
    return f"{_short(number) if sizes[0] != 'B' else round(number)} {sizes[0]}"


def _span(seconds: int) -> str:
    for unit, length, lesser, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} {seconds % length // part} {lesser}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
