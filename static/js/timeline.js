// The day view opens at the hour that the server marks, not at midnight.
export function openAtHour(root) {
  for (const hour of root.querySelectorAll(".timeline-scroll [data-opens]")) {
    const region = hour.closest(".timeline-scroll");
    const names = region.querySelector("thead th");
    // On a phone the names are above the lanes and cover nothing.
    const covered = getComputedStyle(names).position === "sticky" ? names.getBoundingClientRect().width : 0;
    const rtl = getComputedStyle(region).direction === "rtl";
    const from = region.getBoundingClientRect(), to = hour.getBoundingClientRect();
    region.scrollLeft += rtl ? to.right - from.right + covered : to.left - from.left - covered;
  }
}
