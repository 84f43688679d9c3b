// Rows that can be added and taken away: a <template data-row-of="id"> holds an empty one.
document.addEventListener("click", (event) => {
  const add = event.target.closest("[data-add-row]");
  if (add) {
    event.preventDefault();
    const list = document.getElementById(add.dataset.addRow);
    const row = list.querySelector("template").content.cloneNode(true);
    list.append(row);
    list.lastElementChild.querySelector("input, select").focus();
  }
  const drop = event.target.closest("[data-drop-row]");
  if (drop) {
    const form = drop.form;
    drop.closest("[data-row]").remove();
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }
});
