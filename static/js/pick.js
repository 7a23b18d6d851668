// The week table: arrow keys move between its slots, which are one Tab stop; a line below says what the slot under the
// focus or the pointer is; dragging picks several; the number of picked slots is kept up to date.
const STOPS = ".pick-box input, .why";
const SLOT = 'input[name="slot"]';

export function pickInWeek(root) {
  for (const grid of inside(root, "[data-week]")) roam(grid);
  for (const form of inside(root, "form[data-pick]")) drag(form);
}

function inside(root, selector) {
  return [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
}

function roam(grid) {
  const stops = [...grid.querySelectorAll(STOPS)];
  const note = grid.querySelector("[data-note]");
  if (!stops.length) return;
  grid.classList.add("roaming");
  grid.querySelector(".scroll").removeAttribute("tabindex");
  const visible = () => stops.filter((it) => it.getClientRects().length);
  const settle = (chosen) => {
    for (const it of stops) it.tabIndex = it === chosen ? 0 : -1;
  };
  const start = () => {
    const found = visible();
    settle(found.find((it) => it.checked) ?? found.find((it) => it.matches("input")) ?? found[0]);
  };
  const describe = (target) => {
    const stop = target.closest?.("td")?.querySelector(STOPS);
    if (!stop) return;
    const cell = stop.closest("td");
    const what = cell.querySelector(".reason") ?? cell.querySelector(".word");
    note.textContent = `${heading(grid, stop)}, ${text(cell.querySelector(".unseen"))}: ${text(what)}`;
    note.hidden = false;
  };
  start();
  grid.addEventListener("focusin", (event) => {
    if (!event.target.matches(STOPS)) return;
    settle(event.target);
    describe(event.target);
  });
  grid.addEventListener("click", (event) => describe(event.target));
  grid.addEventListener("pointerover", (event) => event.pointerType !== "touch" && describe(event.target));
  grid.addEventListener("change", (event) => event.target.type === "radio" && start());
  grid.addEventListener("keydown", (event) => {
    if (!event.target.matches(STOPS) || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "PageUp" || event.key === "PageDown") {
      const button = grid.parentElement.querySelector(`[data-page="${event.key}"]`);
      if (button) event.preventDefault();
      button?.click();
      return;
    }
    const next = neighbour(event.key, event.target, visible());
    if (next === undefined) return;
    event.preventDefault();
    next?.focus();
  });
}

// After htmx has replaced the part with the focus: the same slot table, or the heading of what a button has changed.
export function refocus(part) {
  if (document.activeElement !== document.body) return;
  const next = part.querySelector("[data-focus]") ?? part.querySelector(`.roaming :is(${STOPS})[tabindex="0"]`);
  next?.focus({ preventScroll: true });
}

// The requests that htmx makes for the booking form. None begins once the form itself is sent. Where the session has ended,
// the form is sent as a whole, to come back filled in after signing in.
export function watchBookingForm(root) {
  let sent = false;
  root.addEventListener("submit", (event) => (sent ||= event.target.id === "booking" && !event.defaultPrevented));
  addEventListener("pageshow", () => (sent = false));
  root.addEventListener("htmx:beforeRequest", (event) => sent && event.preventDefault());
  root.addEventListener("htmx:responseError", (event) => {
    const form = root.querySelector("#booking");
    if (!form || ![400, 401, 403].includes(event.detail.xhr.status)) return;
    const check = Object.assign(document.createElement("input"), { type: "hidden", name: "check", value: "1" });
    form.append(check);
    form.submit();
  });
}

// The slot that a key leads to; null at the edge; undefined where the key is not one of these.
function neighbour(key, from, stops) {
  const rtl = getComputedStyle(from).direction === "rtl";
  const step = { ArrowLeft: rtl ? 1 : -1, ArrowRight: rtl ? -1 : 1 }[key];
  const column = (it) => Number(it.closest("td").className.match(/day-(\d)/)[1]);
  const here = column(from);
  const same = stops.filter((it) => column(it) === here);
  const at = same.indexOf(from);
  if (key === "ArrowUp") return same[at - 1] ?? null;
  if (key === "ArrowDown") return same[at + 1] ?? null;
  if (key === "Home") return same[0];
  if (key === "End") return same.at(-1);
  if (step === undefined) return undefined;
  const middle = (it) => (it.getBoundingClientRect().top + it.getBoundingClientRect().bottom) / 2;
  const columns = [...new Set(stops.map(column))].filter((it) => (it - here) * step > 0).sort((a, b) => (a - b) * step);
  const among = stops.filter((it) => column(it) === columns[0]);
  // The one beside it, else the nearest.
  const distance = (it) => {
    const { top, bottom } = it.closest("td").getBoundingClientRect();
    return Math.max(top - middle(from), middle(from) - bottom, 0);
  };
  return among.sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function heading(grid, stop) {
  const day = stop.closest("td").className.match(/day-\d/)[0];
  return text(grid.querySelector(`thead .${day}`));
}

// The words of an element, without those that only repeat others for the eye.
function text(element) {
  const copy = element.cloneNode(true);
  for (const it of copy.querySelectorAll("[aria-hidden]")) it.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function drag(form) {
  let painting = null;
  const box = (event) => event.target.closest?.(".pick-box")?.querySelector("input");

  const count = () => {
    // Found anew each time, since htmx may have replaced it.
    const shown = form.querySelector("[data-picked]");
    if (!shown) return;
    const picked = form.querySelectorAll(`${SLOT}:checked, ${SLOT}[type="hidden"]`).length;
    const { hint, one, other } = shown.dataset;
    shown.textContent = picked === 0 ? hint : picked === 1 ? one : other.replace("{n}", picked);
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
    count();
  });
  // After a drag the click would turn the first box over again.
  form.addEventListener("click", (event) => {
    if (painting?.moved && box(event)) event.preventDefault();
  });
  addEventListener("pointerup", () => {
    // Dragging changes boxes by script, which tells nobody.
    if (painting?.moved) painting.first.dispatchEvent(new Event("change", { bubbles: true }));
    setTimeout(() => (painting = null));
  });
  form.addEventListener("dragstart", (event) => event.preventDefault());
  form.addEventListener("change", count);
  count();
}
