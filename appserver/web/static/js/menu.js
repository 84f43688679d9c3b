// Say to assistive technology whether the menu is open (the popover itself needs no script).
const nav = document.getElementById("nav");
nav?.addEventListener("toggle", (event) => {
  document.querySelector(".menu-button").setAttribute("aria-expanded", event.newState === "open");
});
