// Buttons that copy the text beside them.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.previousElementSibling;
  await navigator.clipboard.writeText(text.value ?? text.textContent);
  const icon = button.querySelector("use");
  const before = icon.getAttribute("href");
  icon.setAttribute("href", before.replace(/#.*/, "#check"));
  setTimeout(() => icon.setAttribute("href", before), 1500);
});
