import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Files of the packaged viewer, Swagger UI, that the page loads; all from this API. */
export const viewerFiles = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const

/**
 * The page runs the viewer's scripts and nothing else, and calls this API alone. Swagger UI has styles in
 * elements and pictures in its style sheet.
 */
export const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/**
 * The HTML; `isFolder` if the address of the page ends with a slash. Its links are relative, as a proxy may
 * serve this API below a path.
 */
export function page(isFolder: boolean): string {
  const [files, root] = isFolder ? ['', '../'] : ['docs/', '']
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Jobferry: calls and answers</title>
<link rel="icon" href="${files}favicon-32x32.png">
<link rel="stylesheet" href="${files}swagger-ui.css">
<div id="page" data-document="${root}openapi.json"></div>
<script src="${files}swagger-ui-bundle.js"></script>
<script src="${files}page.js"></script>
</html>
`
}

/** `validatorUrl` would send the document's address to an outside host. */
export const pageScript = `const element = document.getElementById('page')
SwaggerUIBundle({
  url: new URL(element.dataset.document, location.href).href,
  domNode: element,
  validatorUrl: null,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
})
`

/** The folder with viewerFiles: beside a bundle, or the package's. */
export function viewerFolder(): string {
  for (const path of ['./swagger-ui/', '../swagger-ui/']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(folder)) return folder
  }
  return fileURLToPath(new URL('./', import.meta.resolve('swagger-ui-dist/package.json')))
}
