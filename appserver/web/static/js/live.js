// An element that asks for its content again when the server says that something changed.
//
//   data-stream="/…/events"   server-sent events: each one asks for the content; `done` also ends it
//   data-every="5000"         milliseconds between questions, for what has no stream
//
// The element's own hx-get says what to ask. Nothing is held or asked while the page is out of sight: browsers allow
// six connections to one server, and an operator keeps many tabs.
const watched = new WeakSet();
const PAUSE = 250; // milliseconds: the most often that content is asked for

function watch(element) {
  if (watched.has(element)) return;
  watched.add(element);
  const ask = throttled(() => htmx.trigger(element, "refresh"));
  let source = null;
  let timer = 0;

  function begin() {
    if (document.hidden || ended() || source || timer) return;
    if (element.dataset.every) timer = setInterval(ask, Number(element.dataset.every));
    if (element.dataset.stream) source = listen();
  }

  function listen() {
    const stream = new EventSource(element.dataset.stream);
    for (const name of ["event", "progress"]) stream.addEventListener(name, ask);
    stream.addEventListener("done", () => {
      ask();
      end();
    });
    stream.addEventListener("error", ask);
    return stream;
  }

  function end() {
    clearInterval(timer);
    source?.close();
    source = timer = null;
  }

  function ended() {
    return !element.isConnected || element.querySelector("[data-ended]") !== null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return end();
    if (!ended()) ask();
    begin();
  });
  element.addEventListener("htmx:afterSettle", () => ended() && end());
  element.addEventListener("htmx:sendError", () => mark(element, true));
  element.addEventListener("htmx:responseError", () => mark(element, true));
  element.addEventListener("htmx:afterOnLoad", () => mark(element, false));
  begin();
}

// Old content that looks current is worse than none: say when the server cannot be reached.
function mark(element, lost) {
  element.classList.toggle("lost", lost);
}

function throttled(act) {
  let due = 0;
  let last = 0;
  return () => {
    if (due) return;
    due = setTimeout(
      () => {
        due = 0;
        last = performance.now();
        act();
      },
      Math.max(0, last + PAUSE - performance.now()),
    );
  };
}

for (const element of document.querySelectorAll("[data-stream], [data-every]")) watch(element);
