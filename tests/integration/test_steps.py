"""A release's playbook on this host: what it is told, what is left of it, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appserver.adapters.steps import LocalSteps
from appserver.adapters.steps_process import descendants
from appserver.core.plays import PlayNews
from appserver.errors import PlaybookError
from appserver.ports.steps import StepJob
from tests.lab.wait import wait_until

BOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Something is left behind
      ansible.builtin.command: {argv: [setsid, -f, sleep, "%s"]}
      changed_when: false
    - name: Its own file is there
      ansible.builtin.command: {argv: [cat, "{{ playbook_dir }}/files/motd"]}
      changed_when: false
    - name: It is told
      ansible.builtin.debug: {msg: "{{ moorage_release }} on {{ moorage_lrn }}"}
"""


@pytest.fixture
def steps(tmp_path: Path) -> LocalSteps:
    return LocalSteps(tmp_path / "rooms", (), {}, sys.executable)


def job(text: str, **files: str) -> StepJob:
    given = {"moorage_release": "2026.11.22-1", "moorage_lrn": 7}
    return StepJob({"book.yml": text, "files/motd": "ahoy", **files}, "book.yml", given, 60.0)


def test_a_playbook_has_its_files_and_variables_and_leaves_nothing(steps: LocalSteps, tmp_path: Path) -> None:
    """Not a process, though it went its own way; not a file."""
    told = [*steps.run(job(BOOK % "778.1"), lambda: False)]
    assert told[-1].rc == 0, [one.text for one in told]
    assert "2026.11.22-1 on 7" in "".join(one.text for one in told)
    assert not running("778.1")
    assert not [*(tmp_path / "rooms").iterdir()]


def test_what_is_stopped_is_ended_with_all_that_it_began(steps: LocalSteps) -> None:
    """Within seconds."""
    text = BOOK % "778.2" + '    - ansible.builtin.command: {argv: [sleep, "778.3"]}\n'
    stopped: list[float] = []
    told: list[PlayNews] = []
    for news in steps.run(job(text), lambda: bool(stopped)):
        told.append(news)
        if not stopped and running("778.3"):
            stopped.append(time.monotonic())
    assert stopped, told
    assert time.monotonic() - stopped[0] < 5
    wait_until(lambda: not running("778.2") and not running("778.3"), "nothing of it runs", 2)


def test_no_file_of_a_release_is_outside_of_it(steps: LocalSteps, tmp_path: Path) -> None:
    """Whatever its path says."""
    with pytest.raises(PlaybookError, match="is no path within a release"):
        [*steps.run(job("[]", **{"../../outside": "x"}), lambda: False)]
    assert not (tmp_path / "outside").exists()


FAULTS = {
    "a command": "ansible.builtin.command: {argv: [cat, %s]}",
    "one of several": "ansible.builtin.command: {argv: [cat, '{{ item }}']}\n      loop: [/dev/null, %s]",
    "a module": "ansible.builtin.slurp: {src: %s}",
}


@pytest.mark.parametrize("task", FAULTS.values(), ids=FAULTS)
def test_a_task_that_fails_says_why_in_one_line(steps: LocalSteps, tmp_path: Path, task: str) -> None:
    """However long it is: Ansible folds its lines, and ends with what it has left out."""
    absent = tmp_path / "of-a-name-that-is-so-long-that-what-is-wrong-with-it-is-beyond-the-width-of-a-line"
    text = "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: It is there\n      " + task % absent
    told = [*steps.run(job(text), lambda: False)]
    failed = [news for news in told if news.kind == "failed"]
    assert [news.task for news in failed] == ["It is there"], told
    assert str(absent) in failed[0].why
    assert any(words in failed[0].why for words in ("No such file or directory", "File not found"))
    assert "\n" not in failed[0].why


def test_a_task_whose_words_are_secret_says_that(steps: LocalSteps) -> None:
    """`no_log` holds for the reason too."""
    secret = 'ansible.builtin.command: {argv: [cat, "/nowhere/{{ moorage_release }}"]}\n      no_log: true'
    text = f"- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {secret}"
    told = [*steps.run(job(text), lambda: False)]
    failed = [news.why for news in told if news.kind == "failed"]
    assert len(failed) == 1 and "no_log" in failed[0], told
    assert "2026.11.22-1" not in str(told)


def test_descendants_are_found_at_any_depth() -> None:
    """And nobody else's."""
    assert sorted(descendants(10, {1: 0, 10: 1, 11: 10, 12: 11, 13: 12, 20: 1, 21: 20})) == [11, 12, 13]


def running(seconds: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == f"sleep\0{seconds}\0".encode():
                return True
        except OSError:
            continue
    return False


def test_what_a_killed_agent_left_is_ended_before_another_begins(steps: LocalSteps, tmp_path: Path) -> None:
    """Its process that sees to a step may live a moment longer than the agent."""
    room = tmp_path / "rooms" / "step-x"
    room.mkdir(parents=True)
    argv = (sys.executable, "-c", "import time; time.sleep(600)", "appserver.adapters.steps_process", str(room))
    with subprocess.Popen(argv) as left:
        steps.tidy()
        assert left.wait(5) == -signal.SIGTERM
    assert not (tmp_path / "rooms").exists()
