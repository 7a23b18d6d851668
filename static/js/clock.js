// The second clock of a period is UTC until a script can say what the reader's own clock shows.
export function ownClocks(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const place of root.querySelectorAll("[data-own-clock]")) {
    if (zone === place.dataset.zone) continue;
    const [start, end] = [place.dataset.start, place.dataset.end].map((text) => new Date(text));
    const day = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
    const format = new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit", timeZone: zone });
    const same = start.toDateString() === end.toDateString();
    const last = same ? end.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" }) : format.format(end);
    place.textContent = `${format.format(start)} – ${last} by your clock (${zone})`;
    place.hidden = false;
    delete place.dataset.ownClock;
  }
}
