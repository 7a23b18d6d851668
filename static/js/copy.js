// Buttons that copy the text of another element. They are hidden until this script can make them work.
export function copyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) {
    const label = button.querySelector("span") ?? button;
    const before = label.textContent;
    button.hidden = false;
    label.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      if (!source) return;
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        label.textContent = button.dataset.copied;
      } catch {
        getSelection().selectAllChildren(source);
        label.textContent = button.dataset.failed;
      }
      setTimeout(() => { label.textContent = before; }, 2500);
    });
  }
}
