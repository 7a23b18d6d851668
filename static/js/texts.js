// The texts of the scripts in the language of the page, as the server has put them on it. `values` fill the parameters.
export function text(key, values = {}) {
  const texts = JSON.parse(document.body.dataset.texts ?? "{}");
  return (texts[key] ?? "").replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}
