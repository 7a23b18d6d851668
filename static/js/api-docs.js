/* Puts Swagger UI on the page about the API. Without it the page is the plain listing. */
(() => {
  const place = document.getElementById("swagger-ui");
  if (!place || !window.SwaggerUIBundle) return;
  place.closest("section").hidden = false;
  // Swagger UI's own layout repeats the title, offers one server to choose from, and is a second main part of the page.
  const lean = (system) => ({
    components: {
      Lean: () => {
        const { createElement } = system.React;
        const part = (name) => createElement(system.getComponent(name, true));
        return createElement("div", { className: "swagger-ui" }, part("AuthorizeBtnContainer"), part("operations"));
      },
    },
  });
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: false,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    plugins: [lean],
    layout: "Lean",
  });
})();
