"""A fault says where, what and why, fit to be printed anywhere."""

import pytest

from image_config.errors import ConfigError, ConfigErrors, fail, plain


def test_a_fault_in_words():
    """File, line, key, reason and nearest known key, in the order a reader wants them."""
    fault = ConfigError("dev/web.yml", 4, "memroyLimit", "unknown key", "memoryLimit")
    assert str(fault) == "dev/web.yml:4: memroyLimit: unknown key; did you mean memoryLimit?"
    assert (fault.where, fault.reason) == ("dev/web.yml:4", "unknown key; did you mean memoryLimit?")


def test_a_fault_without_a_file():
    """A form has no file and no line."""
    assert str(ConfigError("", 0, "ports/0", "is not a port")) == "ports/0: is not a port"
    assert ConfigError("web.yml", 0, "", "x").where == "web.yml"


def test_one_fault_is_raised_as_itself_and_several_together():
    """Whoever catches one finds all in `faults`."""
    one, two = ConfigError("a", 1, "x", "bad"), ConfigError("b", 2, "y", "worse")
    with pytest.raises(ConfigError) as caught:
        fail([one])
    assert caught.value is one
    assert one.faults == (one,)
    with pytest.raises(ConfigErrors) as both:
        fail([one, two])
    assert both.value.faults == (one, two)
    assert (both.value.file, both.value.line, str(both.value)) == ("a", 1, "a:1: x: bad\nb:2: y: worse")


def test_a_strangers_text_is_made_plain():
    """No terminal escapes, no new lines, no length without end."""
    assert plain("a\x1b[31mb\nc") == "a\\x1b[31mb\\nc"
    assert plain("x" * 100, 10) == "xxxxxxxxx…"
    assert ConfigError("f", 1, "k\x1b]0;", "w").key == "k\\x1b]0;"
