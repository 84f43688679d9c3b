"""Which releases are left aside."""

from __future__ import annotations

from dataclasses import replace

from appserver.core.release import Kept, Release, ReleaseStep
from appserver.core.release_kept import aside


def test_who_went_back_from_a_release_is_given_nothing_of_before_it() -> None:
    """Neither one that was skipped then; what comes after it is taken."""
    step = (ReleaseStep("a", "a.yml"),)
    left = Kept(Release("2026.11.05-5", step), "here", "prod-2026.11.05-5", "c" * 40, aside="went back", back=True)
    tags = ["prod-2026.11.04-4", "prod-2026.11.05-5", "prod-2026.11.06-6", "v1"]
    assert aside([left], tags) == {"2026.11.04-4", "2026.11.05-5"}
    assert aside([replace(left, back=False)], tags) == {"2026.11.05-5"}
