// The browser's own checks of a form, in the words of the portal. (A date or number that the browser cannot read would
// otherwise be sent as an empty field.)
const UNREADABLE = {
  date: "Enter the whole date: day, month and year.",
  "datetime-local": "Enter the whole date and time.",
  time: "Enter the whole time of day.",
  number: "Enter a number.",
};

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
  if (validity.badInput) return UNREADABLE[type] ?? "This can't be read.";
  if (validity.valueMissing) return field.dataset.missing ?? UNREADABLE[type] ?? "This is required.";
  if (validity.patternMismatch) return field.title || "This can't be read.";
  if (validity.rangeUnderflow) return `Enter ${field.min} or more.`;
  if (validity.rangeOverflow) return `Enter ${field.max} or less.`;
  return field.validationMessage;
}
