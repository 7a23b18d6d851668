// Links to a confirm page open that page's question in a dialog. The form in it is the page's own, CSRF token included;
// whatever goes wrong, the link is simply followed.
export function confirmInDialog(root) {
  root.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-confirm]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const question = page.querySelector("#confirm");
      if (!answer.ok || answer.redirected || !question) throw new Error("no question");
      ask(question, link);
    } catch {
      location.assign(link.href);
    }
  });
}

function ask(question, link) {
  const dialog = document.createElement("dialog");
  const heading = question.querySelector("h1");
  const title = document.createElement("h2");
  title.id = "dialog-title";
  title.textContent = heading.textContent;
  heading.replaceWith(title);
  question.removeAttribute("id");
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.append(document.adoptNode(question));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-dismiss]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
