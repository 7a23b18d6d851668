// Everything works without this file; it only saves steps.
import { ownClocks } from "./clock.js";
import { confirmInDialog } from "./confirm.js";
import { copyButtons } from "./copy.js";
import { closeMenus } from "./menus.js";
import { pickInWeek, refocus, watchBookingForm } from "./pick.js";
import { openAtHour } from "./timeline.js";
import { explainInvalid } from "./validity.js";

confirmInDialog(document);
copyButtons(document);
closeMenus(document);
pickInWeek(document);
ownClocks(document);
openAtHour(document);
explainInvalid(document);
// The attribute autofocus does nothing where the address has a fragment.
document.getElementById("problems")?.focus();

// What htmx brought in gets the same treatment.
document.addEventListener("htmx:load", (event) => {
  copyButtons(event.target);
  ownClocks(event.target);
  // It is also fired for the page itself.
  if (event.target === document.body) return;
  pickInWeek(event.target);
  refocus(event.target);
});
watchBookingForm(document);
