"""What containers of each image use here: learned minute by minute, and told seldom, under `learned/<node>/`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from threading import Event, Lock

from appserver.agent.wishes import Wishes
from appserver.core.containers import ContainerProcess
from appserver.core.entities import AppKey, Desired
from appserver.core.learned import Learned, in_period, is_news, kept, measured, name_of, period_of, together
from appserver.core.metrics import Sample, Subject
from appserver.errors import StoreError
from appserver.ports import KV
from appserver.store import keys
from appserver.store.codec import encode
from appserver.store.parts import parts
from appserver.store.records import below

log = logging.getLogger(__name__)

_EVERY_S = 600.0

Images = Mapping[str, Learned]
"""By the image's name."""


class Learning:
    """`take` is called by who measures; `run`, in another thread, writes what is new every ten minutes.

    What was learned since the last writing goes with the agent.
    """

    def __init__(self, kv: KV, node: str, image: Callable[[ContainerProcess], str]) -> None:
        """
        Args:
            image: of a container, as on record; "" while that is not known.
        """
        self._kv = kv
        self._node = node
        self._image = image
        self._images: Images = {}
        self._written: Images | None = None
        self._lock = Lock()

    def take(self, minute: Sample, containers: Collection[ContainerProcess]) -> None:
        """What was measured in a minute that is over."""
        period = period_of(minute.at)
        with self._lock:
            images = {name: in_period(one, period) for name, one in self._images.items()}
            for one in containers:
                subject = Subject("container", one.name, one.application, one.service)
                image = self._image(one) if subject in minute.means else ""
                if not image:
                    continue
                name = name_of(image)
                before = images.get(name) or Learned(name, period)
                now = measured(before.now, minute.at, one.id, minute.means[subject], minute.peaks[subject])
                images[name] = replace(before, now=now)
            self._images = kept(images)

    def run(self, stop: Event) -> None:
        """Until told to stop; what is known then is written once more."""
        while not stop.is_set():
            self._try()
            stop.wait(_EVERY_S)
        self._try()

    def report(self) -> None:
        """Write what is new, after having read what was known before this agent was started.

        Raises:
            StoreError: the store does not answer.
        """
        written = self._on_record() if self._written is None else self._written
        with self._lock:
            if self._written is None:
                self._images, self._written = _joined(written, self._images), written
            images = self._images
        puts = {name: one for name, one in images.items() if is_news(written.get(name), one)}
        gone = [name for name in written if name not in images]
        for some in parts((*puts, *gone)):
            here = {keys.learned(self._node, name): encode(puts[name]) for name in some if name in puts}
            self._kv.commit({}, here, [keys.learned(self._node, name) for name in some if name not in puts])
        self._written = {**{name: one for name, one in written.items() if name in images}, **puts}

    def _try(self) -> None:
        try:
            self.report()
        except StoreError as error:
            log.warning("event=learned_not_told reason=%s", error)

    def _on_record(self) -> Images:
        prefix = keys.learned_of(self._node)
        return {one.record.image: one.record for _, one in below(self._kv.snapshot(prefix), prefix, Learned)}


def image_of(wishes: Wishes, container: ContainerProcess) -> str:
    """By the name that its application's revision has for it; else as the engine names it. Asks nobody.

    "" while that is not known: of a container between two revisions. Where nothing is wanted of this node, a manager
    of its Swarm knows the revision.
    """
    wish = _wish(wishes, container.application)
    if wish is None:
        return container.image
    key, desired = wish
    for number in (desired.revision, desired.previous):
        revision = wishes.known_revision(key, number)
        facts = revision.images.get(container.service) if revision else None
        if facts and (container.image in (facts.pin, facts.reference) or container.image_id == facts.id):
            return facts.reference
    return ""


def _wish(wishes: Wishes, application: str) -> tuple[AppKey, Desired] | None:
    key = next((key for key in wishes.all() if str(key) == application), None)
    wish = wishes.get(key) if key else None
    return (key, wish.desired) if key and wish else None


def _joined(before: Images, now: Images) -> Images:
    """What was on record, and what was measured before it could be read."""
    found = {**before, **{name: one for name, one in now.items() if name not in before}}
    for name in before.keys() & now.keys():
        earlier = in_period(before[name], now[name].period)
        found[name] = replace(earlier, now=together(earlier.now, now[name].now))
    return kept(found)
