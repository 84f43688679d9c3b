// New content is merged into the old, so that focus and scroll stay, and what the reader opened stays open.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
