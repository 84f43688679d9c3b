// Buttons that copy the text beside them, over plain HTTP too, where there is no clipboard to write to.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = button.previousElementSibling;
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  else copySelected(source);
  const icon = button.querySelector("use");
  const before = icon.getAttribute("href");
  icon.setAttribute("href", before.replace(/#.*/, "#check"));
  setTimeout(() => icon.setAttribute("href", before), 1500);
});

function copySelected(source) {
  const selection = getSelection();
  selection.selectAllChildren(source);
  document.execCommand("copy");
  selection.removeAllRanges();
}
