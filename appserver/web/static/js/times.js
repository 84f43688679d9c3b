// "3 min ago" stays true while the page is open. The words are those of pages_words.ago and lasting.
const SPANS = [
  ["days", 86400, 2],
  ["h", 3600, 1],
  ["min", 60, 1],
];

function span(seconds) {
  for (const [unit, length, least] of SPANS) {
    if (seconds >= length * least) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

function tell() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
    if ("since" in element.dataset) {
      element.textContent = `for ${span(Math.max(0, seconds))}`;
      continue;
    }
    if (seconds > 30 * 86400) continue;
    const text = seconds < 0 ? `in ${span(-seconds)}` : seconds < 10 ? "just now" : `${span(seconds)} ago`;
    if (element.textContent !== text) element.textContent = text;
  }
}

setInterval(tell, 5000);
