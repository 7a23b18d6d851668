// The week table's boxes: drag over them to pick a run, and read below how much is picked.
export function pickInWeek(root) {
  for (const form of root.querySelectorAll("form[data-pick]")) drag(form);
}

function drag(form) {
  const told = form.querySelector("[data-picked]");
  const idle = told?.textContent;
  let painting = null;
  const box = (event) => event.target.closest?.(".pick-box")?.querySelector("input");

  const tell = () => {
    const picked = form.querySelectorAll('input[name="slot"]:checked').length;
    if (told) told.textContent = picked ? `${picked} ${picked === 1 ? "slot" : "slots"} picked.` : idle;
  };
  form.addEventListener("pointerdown", (event) => {
    const found = box(event);
    // A finger scrolls; a mouse or pen drags.
    if (!found || event.pointerType === "touch" || event.button) return;
    painting = { to: !found.checked, first: found, moved: false };
  });
  form.addEventListener("pointerover", (event) => {
    const found = box(event);
    if (!painting || !found || found === painting.first) return;
    painting.first.checked = painting.to;
    painting.moved = true;
    found.checked = painting.to;
    tell();
  });
  // After a drag the click would turn the first box over again.
  form.addEventListener("click", (event) => {
    if (painting?.moved && box(event)) event.preventDefault();
  });
  addEventListener("pointerup", () => setTimeout(() => (painting = null)));
  form.addEventListener("dragstart", (event) => event.preventDefault());
  form.addEventListener("change", tell);
  tell();
}
