import { text } from "./texts.js";

// The browser's own checks of a form, in the words of the portal. (A date or number that the browser cannot read would
// otherwise be sent as an empty field.)
export function explainInvalid(root) {
  root.addEventListener("invalid", (event) => {
    const field = event.target;
    // What was said before would count as an error of its own.
    field.setCustomValidity("");
    if (!field.validity.valid) field.setCustomValidity(reason(field));
  }, true);
  for (const changed of ["input", "change"]) {
    root.addEventListener(changed, (event) => event.target.setCustomValidity?.(""), true);
  }
}

function reason(field) {
  const { validity, type } = field;
  const wanted = ["date", "datetime-local", "time", "number"].includes(type) ? text(type) : "";
  if (validity.badInput) return wanted || text("unreadable");
  if (validity.valueMissing) return field.dataset.missing ?? (wanted || text("required"));
  if (validity.patternMismatch) return field.title || text("unreadable");
  if (validity.rangeUnderflow) return text("least", { number: field.min });
  if (validity.rangeOverflow) return text("most", { number: field.max });
  return field.validationMessage;
}
