import { text } from "./texts.js";

// The second clock of a period is UTC until a script can say what the reader's own clock shows; none where it is the same.
export function ownClocks(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const place of root.querySelectorAll("[data-own-clock]")) {
    const { start, end } = place.dataset;
    const own = period(start, end, zone);
    place.textContent = text("own_time", { period: own, zone });
    place.hidden = own === period(start, end, place.dataset.zone);
    delete place.dataset.ownClock;
  }
}

// As the server writes it: "Sat 28 Nov 2026, 16:00–17:30", with both days where they differ.
function period(start, end, zone) {
  const language = document.documentElement.lang;
  const locale = language.startsWith("en") ? "en-GB" : language;
  const day = { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: zone };
  const [first, last] = [start, end].map((moment) => {
    const date = new Date(moment);
    const clock = { hour: "2-digit", minute: "2-digit", timeZone: zone };
    const shown = date.toLocaleDateString(locale, day);
    return [locale === "en-GB" ? shown.replace(",", "") : shown, date.toLocaleTimeString("en-GB", clock)];
  });
  return `${first.join(", ")}${first[0] === last[0] ? `–${last[1]}` : ` – ${last.join(", ")}`}`;
}
