"""A repository at one commit: layers of a container, faults of the whole."""

import pytest

from image_config import ConfigError, Repository, Target, from_files, lint, resolve
from tests.unit.image_config.say import origins

COMMIT = "3f2c1abcdef0"
TARGET = Target("r:5000/a/web:1.2", "dev", "shop", "front", "shop-front-1")


def refusal(files, target=TARGET):
    with pytest.raises(ConfigError) as caught:
        from_files(files, target, commit=COMMIT)
    return [str(fault) for fault in caught.value.faults]


def test_the_strongest_file_wins_and_names_its_line():
    """Six places, three formats; the origin is commit, file and line."""
    files = {
        "web.yml": "# the image\nmem_limit: 1m\n",
        "web:1.2.yaml": "mem_limit: 2m\ncpus: 1\n",
        "dev/web.properties": "mem_limit=3m\nrestart=always\n",
        "dev/web@1.2.yml": "mem_limit: 4m\nhostname: four\n",
        "dev/shop/front.yml": "mem_limit: 5m\ndomainname: five\n",
        "dev/shop-front-1.yml": "mem_limit: 6m\n",
        "other.yml": "mem_limit: 9m\n",
        "README.md": "not configuration",
    }
    layers = from_files(files, TARGET, commit=COMMIT)
    assert [str(layer.source) for layer in layers] == [f"3f2c1a:{path}" for path in list(files)[:6]]
    assert origins(resolve(layers)) == {
        "cpus": "3f2c1a:web:1.2.yaml:2",
        "domainname": "3f2c1a:dev/shop/front.yml:2",
        "hostname": "3f2c1a:dev/web@1.2.yml:2",
        "mem_limit": "3f2c1a:dev/shop-front-1.yml:1",
        "restart": "3f2c1a:dev/web.properties:2",
    }
    assert resolve(layers).explain()[3].source.commit == COMMIT


def test_includes_are_weaker_than_what_includes_them():
    """They are read first, and keep their own file and line."""
    files = {
        "web.yml": "include: [base/a.yml, base/b.properties]\nhostname: web\n",
        "base/a.yml": "include: ../deep/er/than/that.yml\nhostname: a\ncpus: 1\n",
        "base/b.properties": "cpus=2\ninclude=../deep/er/than/that.yml\n",
        "deep/er/than/that.yml": "cpus: 3\ndomainname: deep\n",
    }
    assert lint(files) == ()
    assert origins(resolve(from_files(files, Target("web"), commit=COMMIT))) == {
        "cpus": "3f2c1a:base/b.properties:1",
        "domainname": "3f2c1a:deep/er/than/that.yml:2",
        "hostname": "3f2c1a:web.yml:2",
    }


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"web.yml": "a: 1\ninclude: [x.yml]"}, 'web.yml:2: include/0: "x.yml" is no such file'),
        ({"web.yml": "include: [bsae.yml]", "base.yml": ""}, "is no such file; did you mean base.yml?"),
        ({"dev/web.yml": "include: ../bsae.yml", "base.yml": ""}, "is no such file; did you mean ../base.yml?"),
        ({"web.yml": "include: ['../x.yml']"}, "is not a path inside the repository"),
        ({"web.yml": "include: [/etc/passwd]"}, "is not a path inside the repository"),
        ({"web.yml": "include: [x.txt]", "x.txt": ""}, "is not a .yml, .yaml, .properties file"),
        ({"web.yml": "include: [web.yml]"}, "includes in a circle: web.yml → web.yml"),
        (
            {"web.yml": "include: [b.yml]", "b.yml": "include: [c.yml]", "c.yml": "include: [web.yml]"},
            'web.yml:1: include/0: "b.yml" includes in a circle: web.yml → b.yml → c.yml → web.yml',
        ),
        ({"web.yml": "include: [[a]]"}, "is not the path of a file"),
        ({"web.yml": "include: [!reset a.yml]", "a.yml": ""}, "is not the path of a file"),
        ({"web.yml": "include: {a: b}"}, "is not the path of a file"),
        ({"web.yml": "include: [" + "a.yml," * 100 + "]"}, "names more than 64 files"),
        ({"web.yml": "", "web.properties": ""}, "web.yml: is a second file for one thing: web.properties is there too"),
        ({"web.yml": "", "web.yaml": ""}, "is a second file"),
        ({"web:1.2.yml": "", "web@1.2.yml": ""}, "is a second file"),
        ({"web.yml": "mem_limit: x"}, "web.yml:1: mem_limit"),
        ({"web.yml": "include: [b.yml]", "b.yml": "mem_limit: x"}, "b.yml:1: mem_limit"),
    ],
)
def test_a_fault_is_the_same_in_use_and_in_lint(files, why):
    """What a push is refused for is what a deployment would have been."""
    assert any(why in told for told in refusal(files))
    assert any(why in str(fault) for fault in lint(files))


def test_a_bad_file_is_in_the_way_of_its_own_containers_only():
    """Others resolve; lint still tells."""
    files = {"web.yml": "cpus: 1", "db.yml": "cpus: x"}
    assert len(from_files(files, Target("web"), commit=COMMIT)) == 1
    assert len(refusal(files, Target("db"))) == 1
    assert len(lint(files)) == 1


def test_every_fault_of_a_container_is_told_once():
    """Two look-ups that include one bad file."""
    files = {"web.yml": "include: [b.yml]", "dev/web.yml": "include: [../b.yml]\ncpus: y", "b.yml": "cpus: x"}
    assert refusal(files) == [
        'b.yml:1: cpus: "x" is not a number of cores; write 0.5 or 2',
        'dev/web.yml:2: cpus: "y" is not a number of cores; write 0.5 or 2',
    ]


def test_lint_tells_all_in_the_order_of_files():
    """Whether or not a look-up would come by; hidden directories are other programs'."""
    files = {
        "z.yml": "foo: 1",
        "a/b/c/d/e.yml": "bar: 1",
        ".github/workflows/ci.yml": "on: push",
        "a.yml": "baz: 1\nqux: 1",
    }
    assert [fault.where for fault in lint(files)] == ["a.yml:1", "a.yml:2", "a/b/c/d/e.yml:1", "z.yml:1"]


def test_files_that_nothing_reaches():
    """Too deep for a look-up, and not included: a warning, not a fault."""
    files = {"web.yml": "include: [a/b/c/used.yml]", "a/b/c/used.yml": "", "a/b/c/lost.yml": "", "dev/shop/web.yml": ""}
    assert Repository(files).unreached() == ("a/b/c/lost.yml",)


def test_a_repository_at_the_next_commit_reads_only_what_changed():
    """Unchanged files keep their reading, and get the new commit."""
    first = Repository({"web.yml": "cpus: 1", "db.yml": "cpus: 2"}, "aaaaaaaa")
    first.faults()
    second = Repository({"web.yml": "cpus: 1", "db.yml": "cpus: 3"}, "bbbbbbbb", earlier=first)
    assert second._documents == {"web.yml": first._documents["web.yml"]}
    assert str(second.layers(Target("web"))[0].entries[0].source) == "bbbbbb:web.yml:1"
    assert second.layers(Target("db"))[0].entries[0].value == 3


def test_text_is_text():
    """No interpolation: `$` comes out doubled for Compose."""
    (layer,) = from_files({"web.yml": "environment: {A: '${HOME} $$ $x'}"}, Target("web"), commit=COMMIT)
    assert resolve([layer]).values["environment"] == {"A": "${HOME} $$ $x"}
    assert resolve([layer]).to_compose()["environment"] == {"A": "$${HOME} $$$$ $$x"}
