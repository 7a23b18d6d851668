// Everything works without this file; it only saves steps.
import { confirmInDialog } from "./confirm.js";
import { copyButtons } from "./copy.js";
import { closeMenus } from "./menus.js";

confirmInDialog(document);
copyButtons(document);
closeMenus(document);

// What htmx brought in gets the same treatment.
document.addEventListener("htmx:load", (event) => copyButtons(event.target));
