// The second clock of a period is UTC until a script can say what the reader's own clock shows; none where it is the same.
export function ownClocks(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const place of root.querySelectorAll("[data-own-clock]")) {
    const { start, end } = place.dataset;
    const own = text(start, end, zone);
    place.textContent = `${own} your time (${zone})`;
    place.hidden = own === text(start, end, place.dataset.zone);
    delete place.dataset.ownClock;
  }
}

// As the server writes it: "Sat 28 Nov 2026, 16:00–17:30", with both days where they differ.
function text(start, end, zone) {
  const day = { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: zone };
  const [first, last] = [start, end].map((moment) => {
    const date = new Date(moment);
    const clock = { hour: "2-digit", minute: "2-digit", timeZone: zone };
    return [date.toLocaleDateString("en-GB", day).replace(",", ""), date.toLocaleTimeString("en-GB", clock)];
  });
  return `${first.join(", ")}${first[0] === last[0] ? `–${last[1]}` : ` – ${last.join(", ")}`}`;
}
