// Narrow a list that is already on the page: <input data-filter="#list"> hides what does not hold every word.
// A group (data-group) without a visible row is hidden too.
document.addEventListener("input", (event) => {
  const target = event.target.dataset?.filter;
  if (!target) return;
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  const list = document.querySelector(target);
  let shown = 0;
  for (const row of list.querySelectorAll("[data-row]")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  for (const group of list.querySelectorAll("[data-group]")) {
    group.hidden = !group.querySelector("[data-row]:not([hidden])");
  }
  const told = document.querySelector(`[data-found="${target}"]`);
  if (told) told.textContent = words.length ? `${shown} shown` : "";
});
