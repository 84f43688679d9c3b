// The entry of every page. Reading needs none of this; it makes pages live and saves clicks.
import { watch } from "./live.js";
import "./copy.js";
import "./filter.js";
import "./menu.js";
import "./morph.js";
import "./rows.js";
import "./theme.js";
import "./times.js";

function enliven(root) {
  for (const element of find(root, "[data-stream], [data-every]")) watch(element);
  for (const button of find(root, "[data-copy]")) button.hidden = !navigator.clipboard;
  for (const log of find(root, "[data-log]")) import("./log.js").then((module) => module.follow(log));
  for (const form of find(root, "form[data-editor]")) import("./editor.js").then((module) => module.attach(form));
}

function find(root, selector) {
  return [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
}

document.documentElement.dataset.js = "";
enliven(document.body);
document.body.addEventListener("htmx:load", (event) => {
  if (event.detail.elt !== document.body) enliven(event.detail.elt);
});
