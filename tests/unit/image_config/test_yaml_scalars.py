"""Plain scalars mean what they mean to Compose."""

import pytest

from image_config.yaml_scalars import go_text, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("22:22", "22:22"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("12", 12),
        ("+12", 12),
        ("-12", -12),
        ("012", 10),
        ("0o14", 12),
        ("0777", 511),
        ("0x1F", 31),
        ("0b11", 3),
        ("-0b11", -3),
        ("1_000", 1000),
        ("08", 8.0),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("1.10", 1.1),
        ("NaN", "NaN"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("+.5", 0.5),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 1.8446744073709552e19),
        ("0x", "0x"),
        ("1" * 200, "1" * 200),
    ],
)
def test_resolve(text, value):
    """Only true and false are booleans; nothing is counted in sixties; a date stays text."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.Inf", "+.INF", "1e99999"])
def test_what_json_cannot_hold_is_refused(text):
    """No value of the result is NaN or infinite."""
    with pytest.raises(ValueError, match="number"):
        resolve(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (10, "10"),
        (1000.0, "1000"),
        (1.1, "1.1"),
        (1e-5, "1e-05"),
        (1e25, "1e+25"),
        (1.25e21, "1.25e+21"),
        (1e20, "1e+20"),
        (1e6, "1e+06"),
        (123456.5, "123456.5"),
        (123456789.125, "1.23456789125e+08"),
        (0.0, "0"),
        (-2.5, "-2.5"),
        (0.0001, "0.0001"),
        ("x", "x"),
    ],
)
def test_go_text(value, text):
    """An environment variable reads as Compose would have printed the number."""
    assert go_text(value) == text
