// The theme changes at once; the cookie tells the server for the next page.
document.addEventListener("submit", (event) => {
  const form = event.target.closest(".themes");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", button === event.submitter);
  }
});

document.documentElement.dataset.scripts = "";
