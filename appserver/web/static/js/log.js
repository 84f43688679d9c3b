// A log that follows: <pre data-log="/…/logs?…">, its own stream of server-sent events, one line each.
const KEPT = 5000; // lines
const LONGEST = 4000; // characters of one line
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function follow(pre) {
  const told = document.querySelector("[data-log-state]");
  const button = document.querySelector("[data-log-pause]");
  let waiting = [];
  let paused = false;
  let frame = 0;
  const stream = new EventSource(pre.dataset.log);

  stream.addEventListener("open", () => say("Live"));
  stream.addEventListener("error", () => say(stream.readyState === EventSource.CLOSED ? "Ended" : "Reconnecting"));
  stream.addEventListener("log", (event) => {
    waiting.push(event.data);
    if (waiting.length > KEPT) waiting.splice(0, waiting.length - KEPT);
    if (!paused && !frame) frame = requestAnimationFrame(show);
  });
  stream.addEventListener("done", () => {
    stream.close();
    say("Ended");
  });
  button?.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", paused);
    say(paused ? "Paused" : "Live");
    if (!paused) show();
  });
  addEventListener("pagehide", () => stream.close());

  function show() {
    frame = 0;
    const atEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < 40;
    const lines = document.createDocumentFragment();
    for (const text of waiting) lines.append(line(text));
    waiting = [];
    pre.append(lines);
    while (pre.childElementCount > KEPT) pre.firstElementChild.remove();
    if (atEnd) pre.scrollTop = pre.scrollHeight;
  }

  function say(text) {
    if (told) told.textContent = text;
  }
}

function line(raw) {
  const row = document.createElement("div");
  const text = raw.slice(0, 2 * LONGEST).replace(ESCAPES, "").replace(CONTROLS, "");
  const named = /^([\w.-]{1,80}) +\| /.exec(text);
  if (named) {
    const name = document.createElement("b");
    name.textContent = named[1];
    row.append(name);
  }
  const rest = named ? text.slice(named[0].length) : text;
  row.append(rest.length > LONGEST ? `${rest.slice(0, LONGEST)} … (${raw.length} characters)` : rest);
  row.append("\n");
  return row;
}

for (const pre of document.querySelectorAll("[data-log]")) follow(pre);
