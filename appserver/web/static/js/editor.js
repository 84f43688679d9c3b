// Textareas of YAML and `.env` become editors. The textarea stays the form's field; without this it is the editor.
//
// Each editor lives in a shadow root: CodeMirror then styles itself by constructed style sheets, which a strict
// content security policy allows, where it would otherwise add <style> elements, which it does not.
import { highlight, theme } from "./editor_theme.js";

const form = document.querySelector("form[data-editor]");
const check = document.getElementById("check");
const cm = await import(form.dataset.editor);
const languages = {
  yaml: () => cm.yaml(),
  properties: () => cm.StreamLanguage.define(cm.properties),
  text: () => [],
};
const editors = new Map([...form.querySelectorAll("textarea[data-language]")].map((area) => [area.name, edit(area)]));

check.addEventListener("htmx:afterSwap", mark);
check.addEventListener("click", (event) => {
  const fault = event.target.closest("[data-line]");
  const view = fault && editors.get(fault.dataset.field);
  if (view) go(view, Number(fault.dataset.line));
});
mark();

function edit(area) {
  const host = document.createElement("div");
  host.className = "editor";
  area.before(host);
  const root = host.attachShadow({ mode: "open" });
  const state = cm.EditorState.create({ doc: area.value, extensions: extensions(area) });
  const view = new cm.EditorView({ parent: root, root, state });
  if (document.activeElement === area) view.focus();
  area.classList.add("taken");
  area.labels[0].addEventListener("click", (event) => {
    event.preventDefault();
    view.focus();
  });
  return view;
}

function extensions(area) {
  return [
    cm.lineNumbers(),
    cm.lintGutter(),
    cm.foldGutter(),
    cm.highlightActiveLine(),
    cm.highlightActiveLineGutter(),
    cm.highlightSpecialChars(),
    cm.highlightSelectionMatches(),
    cm.history(),
    cm.drawSelection(),
    cm.indentOnInput(),
    cm.indentUnit.of("  "),
    cm.bracketMatching(),
    cm.search({ top: true }),
    cm.placeholder(area.placeholder),
    cm.syntaxHighlighting(highlight(cm)),
    theme(cm, Number(area.rows)),
    languages[area.dataset.language](),
    // Tab is left alone: it leaves the editor, as it leaves any field. Ctrl-] and Ctrl-[ indent.
    cm.keymap.of([...cm.defaultKeymap, ...cm.searchKeymap, ...cm.historyKeymap, ...cm.foldKeymap, ...cm.lintKeymap]),
    cm.EditorView.contentAttributes.of(told(area)),
    cm.EditorView.domEventHandlers({ beforeinput: replace }),
    cm.EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      area.value = update.state.doc.toString();
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }),
  ];
}

// What is typed over a selection is put in here: the browser would keep the colour of what it replaces by a style
// attribute, which the policy blocks and the console reports.
function replace(event, view) {
  if (event.inputType !== "insertText" || event.isComposing || view.state.selection.main.empty) return false;
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

function told(area) {
  const ids = area.getAttribute("aria-describedby")?.split(" ") ?? [];
  const texts = ids.map((id) => document.getElementById(id).textContent.trim());
  return { "aria-label": area.labels[0].textContent.trim(), "aria-description": texts.join(" ") };
}

// Faults come from the server, each with its field and line.
function mark() {
  for (const [name, view] of editors) {
    const faults = check.querySelectorAll(`[data-field="${CSS.escape(name)}"][data-line]`);
    view.dispatch(cm.setDiagnostics(view.state, [...faults].map((fault) => diagnostic(view.state.doc, fault))));
  }
}

function diagnostic(doc, fault) {
  const line = doc.line(Math.min(Math.max(1, Number(fault.dataset.line)), doc.lines));
  const indent = line.text.length - line.text.trimStart().length;
  return { from: Math.min(line.from + indent, line.to), to: line.to, severity: "error", message: fault.dataset.why };
}

function go(view, number) {
  const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
  view.dispatch({ selection: { anchor: line.from }, effects: cm.EditorView.scrollIntoView(line.from, { y: "center" }) });
  view.focus();
}
