// Textareas of YAML and `.env` become editors. The textarea stays the form's field; without this it is the editor.
//
// Each editor lives in a shadow root: CodeMirror then styles itself by constructed style sheets, which a strict
// content security policy allows, where it would otherwise add <style> elements, which it does not.
import * as cm from "../vendor/codemirror.js";
import { highlight, theme } from "./editor_theme.js";

const LANGUAGES = { yaml: () => cm.yaml(), properties: () => cm.StreamLanguage.define(cm.properties), text: () => [] };
const attached = new WeakSet();

export function attach(form) {
  if (attached.has(form)) return;
  attached.add(form);
  const editors = new Map();
  for (const area of form.querySelectorAll("textarea[data-language]")) editors.set(area.name, edit(area));
  const check = document.getElementById("check");
  check?.addEventListener("htmx:afterSwap", () => mark(editors, check));
  check?.addEventListener("click", (event) => {
    const fault = event.target.closest("[data-line]");
    const view = fault && editors.get(fault.dataset.field);
    if (view) go(view, Number(fault.dataset.line));
  });
  mark(editors, check);
}

function edit(area) {
  const host = document.createElement("div");
  host.className = "editor";
  area.before(host);
  const root = host.attachShadow({ mode: "open" });
  const view = new cm.EditorView({
    parent: root,
    root,
    state: cm.EditorState.create({ doc: area.value, extensions: extensions(area) }),
  });
  area.classList.add("taken");
  area.labels[0]?.addEventListener("click", (event) => {
    event.preventDefault();
    view.focus();
  });
  return view;
}

function extensions(area) {
  const told = { "aria-label": area.labels[0]?.textContent.trim() ?? area.name };
  if (area.getAttribute("aria-describedby")) told["aria-description"] = description(area);
  return [
    cm.lineNumbers(),
    cm.lintGutter(),
    cm.foldGutter(),
    cm.highlightActiveLine(),
    cm.highlightActiveLineGutter(),
    cm.highlightSpecialChars(),
    cm.history(),
    cm.drawSelection(),
    cm.indentOnInput(),
    cm.indentUnit.of("  "),
    cm.bracketMatching(),
    cm.search({ top: true }),
    cm.highlightSelectionMatches(),
    cm.syntaxHighlighting(highlight),
    theme(Number(area.rows)),
    LANGUAGES[area.dataset.language](),
    // Tab is left alone: it leaves the editor, as it leaves any field. Ctrl-] and Ctrl-[ indent.
    cm.keymap.of([...cm.defaultKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.foldKeymap, ...cm.lintKeymap]),
    cm.placeholder(area.placeholder),
    cm.EditorState.readOnly.of(area.readOnly),
    cm.EditorView.contentAttributes.of(told),
    cm.EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      area.value = update.state.doc.toString();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }),
  ];
}

function description(area) {
  const ids = area.getAttribute("aria-describedby").split(" ");
  return ids.map((id) => document.getElementById(id)?.textContent.trim() ?? "").join(" ");
}

// Faults come from the server, each with its field and line.
function mark(editors, check) {
  for (const [name, view] of editors) {
    const doc = view.state.doc;
    const found = [...(check?.querySelectorAll(`[data-field="${CSS.escape(name)}"][data-line]`) ?? [])].map((fault) => {
      const line = doc.line(Math.min(Math.max(1, Number(fault.dataset.line)), doc.lines));
      const indent = line.text.length - line.text.trimStart().length;
      return {
        from: Math.min(line.from + indent, line.to),
        to: line.to,
        severity: fault.dataset.severity,
        message: fault.dataset.why,
      };
    });
    view.dispatch(cm.setDiagnostics(view.state, found));
  }
}

function go(view, number) {
  const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from }, effects: cm.EditorView.scrollIntoView(line.from, { y: "center" }) });
  view.focus();
}
