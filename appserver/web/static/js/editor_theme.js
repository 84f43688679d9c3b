// The editor in our own colours; custom properties reach through the shadow root, so dark mode needs nothing here.
export function highlight({ HighlightStyle, tags }) {
  return HighlightStyle.define([
    { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--accent)", fontWeight: "500" },
    { tag: [tags.string, tags.special(tags.string), tags.content], color: "var(--ink)" },
    { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--busy)" },
    { tag: [tags.comment, tags.lineComment], color: "var(--ink-3)", fontStyle: "italic" },
    { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--ink-3)" },
    { tag: [tags.labelName, tags.typeName, tags.meta, tags.variableName], color: "var(--warn)" },
    { tag: tags.invalid, color: "var(--bad)" },
  ]);
}

export function theme({ EditorView }, rows) {
  return EditorView.theme({
    "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "0.8125rem" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: `${rows * 1.6}em`, maxHeight: "70vh" },
    ".cm-content": { caretColor: "var(--ink)", fontVariantLigatures: "none", padding: "0.375rem 0" },
    ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
    ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink-3)", border: "none" },
    ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
      backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent) !important",
    },
    ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--warn) 22%, transparent)" },
    ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
    ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)", borderColor: "var(--line)" },
    ".cm-panel.cm-search": { fontFamily: "var(--sans)" },
    ".cm-textfield, .cm-button": {
      backgroundImage: "none",
      backgroundColor: "var(--surface)",
      color: "var(--ink)",
      border: "1px solid var(--line-strong)",
      borderRadius: "4px",
    },
    ".cm-tooltip": {
      backgroundColor: "var(--raised)",
      color: "var(--ink)",
      border: "1px solid var(--line-strong)",
      borderRadius: "6px",
      fontFamily: "var(--sans)",
      maxWidth: "32rem",
    },
    ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
    ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
    ".cm-lintRange-error": {
      backgroundImage: "none",
      textDecoration: "underline wavy var(--bad)",
      textUnderlineOffset: "3px",
    },
    ".cm-lintRange-warning": {
      backgroundImage: "none",
      textDecoration: "underline wavy var(--warn)",
      textUnderlineOffset: "3px",
    },
  });
}
