// Facet menus close on Escape (focus returns to their button) and on a press elsewhere.
export function closeMenus(root) {
  const open = () => root.querySelectorAll("[data-menus] details[open]");
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    }
  });
  root.addEventListener("pointerdown", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
}
