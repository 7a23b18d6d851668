/* Puts Swagger UI on the page about the API. Without it the page is the plain listing. */
(() => {
  const place = document.getElementById("swagger-ui");
  if (!place || !window.SwaggerUIBundle) return;
  place.closest("section").hidden = false;
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: false,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
})();
