"""What stands in a project beside what Compose knows: which of it is ours to say."""

from appserver.adapters.compose_portable import Place, portable
from appserver.core.entities import ProjectFiles


def test_an_author_cannot_say_which_files_a_config_is_made_of():
    """`x-files` becomes files that an agent, root, writes by these names; only this program says them."""
    project = {
        "name": "shop",
        "configs": {"c": {"content": "hi", "x-file": "c", "x-files": {"/etc/cron.d/mine": "* * * * * root id\n"}}},
        "secrets": {"s": {"content": "hi", "x-files": {"../../../../root/.ssh/authorized_keys": "mine"}}},
    }
    made = portable(project, ProjectFiles("shop", {}), Place("/p/d", "/p", "/home"), {})
    assert made == {"name": "shop", "configs": {"c": {"content": "hi"}}, "secrets": {"s": {"content": "hi"}}}
