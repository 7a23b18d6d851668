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

// Whatever is changed in the booking form, its summary is asked for again.
export function liveSummary(root) {
  const form = root.querySelector?.("form#booking");
  const old = form?.querySelector("#summary");
  if (!old) return;
  let waiting;
  form.addEventListener("change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const sent = new FormData(form);
      sent.set("check", "1");
      try {
        const answer = await fetch(form.action, { method: "POST", body: sent, credentials: "same-origin" });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("#summary");
        if (!answer.ok || !fresh) return;
        form.querySelector("#summary").replaceWith(document.adoptNode(fresh));
        ownClocks(form);
      } catch {
        // The buttons still work.
      }
    }, 250);
  });
}
